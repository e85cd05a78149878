//! The branches of a client, and their HEADs.

use std::collections::HashMap;

use crate::limits::BATCH_GET_KEYS_MAX;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use sync::snapshot::Head;

use super::send;
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::store::item::{as_text, get, to_head};
use crate::store::{Store, keys};

impl Store {
    /// The client's branches in which something was committed: all of them, or one more than
    /// [`HEAD_OFFICE_BRANCHES_MAX`].
    pub async fn branches(&self, client: &ClientId, cost: &mut Cost) -> Result<Vec<BranchId>, StoreError> {
        let prefix = AttributeValue::S(keys::BRANCH_PREFIX.to_owned());
        let request =
            self.query(keys::client(client), "begins_with(sk, :prefix)", HEAD_OFFICE_BRANCHES_MAX + 1);
        let answer = send(request.expression_attribute_values(":prefix", prefix), cost).await?;
        let branch = |item| keys::branch_of(get(item, "sk", as_text)?).ok_or(StoreError::Corrupt("sk"));
        answer.items().iter().map(branch).collect()
    }

    /// The HEADs of these branches, each strongly consistent by itself; the default for one whose first commit is not
    /// to be seen yet.
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
            let key = |branch| {
                let key = [("pk", partition(branch)), ("sk", keys::HEAD.to_owned())];
                key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into()
            };
            for item in self.batch_get_keys(some.iter().map(key).collect(), cost).await? {
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
