//! What a pull of all branches reads: the list of branches, their HEADs, and the checkpoint of its cursor.

use std::collections::HashMap;

use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::counts::RoomCounts;
use sync::cursor::StoredCheckpoint;
use sync::cursor::checkpoint::{Checkpoint, CheckpointId};
use sync::pull::head_office::ListedBranch;
use sync::rules::Retention;
use sync::snapshot::Head;

use super::{Store, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_text, get, key, number, text};
use crate::dynamo::table::{if_condition_held, page};
use crate::limits::BATCH_GET_KEYS_MAX;
use crate::sync::branches::branch_key;
use crate::sync::items::counts::to_room_counts;
use crate::sync::items::head_office::{BRANCH, CHECKPOINT, NOTED, from_checkpoint, to_checkpoint, to_noted};
use crate::sync::items::{HEAD, to_head};
use crate::sync::keys;

impl Store {
    /// The client's branches; at most one more than [`HEAD_OFFICE_BRANCHES_MAX`].
    pub async fn branches(
        &self,
        client: &ClientId,
        cost: &mut Cost,
    ) -> Result<Vec<ListedBranch>, StoreError> {
        Ok(self.branches_after(client, None, HEAD_OFFICE_BRANCHES_MAX + 1, cost).await?.0)
    }

    /// At most `items` of the client's branches after `after`, by id, and whether there may be more; one
    /// Query, or several where keys are damaged.
    ///
    /// Strongly consistent: an older list would drop a new branch from a cursor again.
    pub async fn branches_after(
        &self,
        client: &ClientId,
        after: Option<BranchId>,
        items: usize,
        cost: &mut Cost,
    ) -> Result<(Vec<ListedBranch>, bool), StoreError> {
        let query = self.table.query_prefix(keys::client(client), keys::BRANCH_PREFIX);
        let mut from = after.map(|branch| branch_key(&Room { client: client.clone(), branch }));
        let mut branches = Vec::new();
        loop {
            let request = query.clone().limit(limit(items - branches.len()));
            let output = page(request.set_exclusive_start_key(from), cost).await?;
            for item in output.items() {
                branches.extend(listed(item)?);
            }
            from = output.last_evaluated_key;
            if from.is_none() || branches.len() >= items {
                return Ok((branches, from.is_some()));
            }
        }
    }

    /// The HEADs of `branches`, each strongly consistent by itself; the default where the first commit is not
    /// visible yet, and `None` where HEAD is damaged.
    pub async fn heads(
        &self,
        client: &ClientId,
        branches: Vec<BranchId>,
        cost: &mut Cost,
    ) -> Result<Vec<(BranchId, Option<Head>)>, StoreError> {
        let read = |item: &Item| self.readable(&HEAD, item, to_head);
        let mut found = self.of_each(client, &branches, keys::HEAD, read, cost).await?;
        let head = |branch: BranchId| {
            let head = found.remove(&partition(client, &branch)).unwrap_or_else(|| Some(Head::default()));
            (branch, head)
        };
        Ok(branches.into_iter().map(head).collect())
    }

    /// The item `sk` of each of `branches` that has one, as `read` reads it, by its partition.
    async fn of_each<T>(
        &self,
        client: &ClientId,
        branches: &[BranchId],
        sk: &str,
        read: impl Fn(&Item) -> Result<T, StoreError>,
        cost: &mut Cost,
    ) -> Result<HashMap<String, T>, StoreError> {
        let mut found = HashMap::new();
        for some in branches.chunks(BATCH_GET_KEYS_MAX) {
            let wanted = some.iter().map(|branch| key(partition(client, branch), sk)).collect();
            for item in self.table.batch_get(wanted, cost).await? {
                found.insert(get(&item, "pk", as_text)?.clone(), read(&item)?);
            }
        }
        Ok(found)
    }

    /// HEAD and counts of `branches`, each strongly consistent by itself; HEAD is `None` where it is damaged.
    pub async fn branch_figures(
        &self,
        client: &ClientId,
        branches: Vec<BranchId>,
        cost: &mut Cost,
    ) -> Result<Vec<(BranchId, Option<Head>, RoomCounts)>, StoreError> {
        let read = |item: &Item| Ok(to_room_counts(item)?.0);
        let mut counts = self.of_each(client, &branches, keys::COUNTS, read, cost).await?;
        let heads = self.heads(client, branches, cost).await?;
        let with_counts = |(branch, head): (BranchId, Option<Head>)| {
            let counts = counts.remove(&partition(client, &branch)).unwrap_or_default();
            (branch, head, counts)
        };
        Ok(heads.into_iter().map(with_counts).collect())
    }

    /// Notes in the list of branches that `room` has a commit with `stamp`. Events may repeat and come out of
    /// order, so the note never goes back. A damaged note is written over.
    pub async fn note_commit(&self, room: &Room, stamp: Stamp) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(branch_key(room)))
            .update_expression("SET #noted = :stamp")
            .condition_expression(
                "attribute_exists(pk) AND (NOT attribute_type(#noted, :number) OR #noted < :stamp)",
            )
            .expression_attribute_names("#noted", NOTED)
            .expression_attribute_values(":number", text("N"))
            .expression_attribute_values(":stamp", number(stamp.0));
        if_condition_held(request.send().await, &mut Cost::default()).map(drop)
    }

    /// The checkpoint `id` of the client; `None` if it has expired, was lost by a restore, or is damaged.
    ///
    /// Written again once half of its time is over, so that a cursor in use does not expire.
    pub async fn checkpoint(
        &self,
        client: &ClientId,
        id: CheckpointId,
        retention: Retention,
        now: Timestamp,
        cost: &mut Cost,
    ) -> Result<Option<Checkpoint>, StoreError> {
        let Some(item) = self.table.get(checkpoint_key(client, id), cost).await? else { return Ok(None) };
        let read = readable(&CHECKPOINT, &item, |item| to_checkpoint(id, item))?;
        let Some((checkpoint, ttl)) = read else { return Ok(None) };
        if ttl < now.plus_secs(retention.marker_secs() / 2).as_secs() {
            let (_, bytes) = Checkpoint::new(checkpoint.positions.clone());
            self.keep_checkpoint(client, &StoredCheckpoint { id, bytes }, retention, now, cost).await?;
        }
        Ok(Some(checkpoint))
    }

    /// Stores a checkpoint of the client. Idempotent.
    pub async fn keep_checkpoint(
        &self,
        client: &ClientId,
        stored: &StoredCheckpoint,
        retention: Retention,
        now: Timestamp,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let item = from_checkpoint(stored.bytes.clone(), retention, now);
        let request = self.table.rewrite_request(checkpoint_key(client, stored.id), &CHECKPOINT, item);
        let output = request.send().await.inspect_err(|_| cost.failed())?;
        cost.wrote(output.consumed_capacity());
        Ok(())
    }
}

fn checkpoint_key(client: &ClientId, id: CheckpointId) -> Item {
    key(keys::checkpoints(client), id.to_string())
}

/// The partition of a branch of `client`.
fn partition(client: &ClientId, branch: &BranchId) -> String {
    keys::room(&Room { client: client.clone(), branch: branch.clone() })
}

/// Reads a branch in the list. One with a damaged note is like one without; one whose key is no branch is
/// left out.
fn listed(item: &Item) -> Result<Option<ListedBranch>, StoreError> {
    let id = |item: &Item| keys::branch_of(get(item, "sk", as_text)?).ok_or(StoreError::Corrupt("sk"));
    let Some(id) = readable(&BRANCH, item, |item| BRANCH.read(item, id))? else { return Ok(None) };
    Ok(Some(ListedBranch { id, noted: readable(&BRANCH, item, to_noted)?.flatten() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::kind::FORMAT;

    #[test]
    fn a_branch_whose_key_names_none_is_left_out() {
        let listed_at = |sk: &str| listed(&key("CLIENT#1", sk));
        assert_eq!(listed_at("BRANCH#2").unwrap().unwrap().id.as_str(), "2");
        for bad in ["BRANCH#", "BRANCH#a b", "BRANCH#2#3"] {
            assert!(listed_at(bad).unwrap().is_none(), "{bad}");
        }
        let mut newer = key("CLIENT#1", "BRANCH#a b");
        newer.insert(FORMAT.into(), number(2));
        assert!(matches!(listed(&newer), Err(StoreError::Newer { .. })));
    }
}
