//! The branches of a client, and their HEADs.

use std::collections::HashMap;

use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use sync::snapshot::Head;

use super::{Store, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{as_text, get, key, text};
use crate::dynamo::table::page;
use crate::limits::BATCH_GET_KEYS_MAX;
use crate::sync::items::to_head;
use crate::sync::keys;

impl Store {
    /// The client's branches that have commits; at most one more than [`HEAD_OFFICE_BRANCHES_MAX`].
    pub async fn branches(&self, client: &ClientId, cost: &mut Cost) -> Result<Vec<BranchId>, StoreError> {
        let query = self.table.query("pk = :pk AND begins_with(sk, :prefix)", keys::client(client));
        let query = query.expression_attribute_values(":prefix", text(keys::BRANCH_PREFIX));
        let output = page(query.limit(limit(HEAD_OFFICE_BRANCHES_MAX + 1)), cost).await?;
        let branch = |item| keys::branch_of(get(item, "sk", as_text)?).ok_or(StoreError::Corrupt("sk"));
        output.items().iter().map(branch).collect()
    }

    /// The HEADs of `branches`, each strongly consistent by itself; the default where the first commit is not
    /// visible yet.
    pub async fn heads(
        &self,
        client: &ClientId,
        branches: Vec<BranchId>,
        cost: &mut Cost,
    ) -> Result<Vec<(BranchId, Head)>, StoreError> {
        let partition =
            |branch: &BranchId| keys::room(&Room { client: client.clone(), branch: branch.clone() });
        let mut found = HashMap::new();
        for some in branches.chunks(BATCH_GET_KEYS_MAX) {
            let heads = some.iter().map(|branch| key(partition(branch), keys::HEAD)).collect();
            for item in self.table.batch_get(heads, cost).await? {
                found.insert(get(&item, "pk", as_text)?.clone(), to_head(&item)?);
            }
        }
        let head = |branch: BranchId| {
            let head = found.remove(&partition(&branch)).unwrap_or_default();
            (branch, head)
        };
        Ok(branches.into_iter().map(head).collect())
    }
}
