//! HEAD and log of a room, FEED (how far `change-stream` has published the log), the snapshot that a write
//! needs, and the branches of a client with their HEADs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use protocol::ids::{BatchId, BranchId, ClientId, DeviceId, Room};
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use sync::log::LogItem;
use sync::push::Push;
use sync::snapshot::{Head, Snapshot};
use sync::stats::{Feed, RoomFigures};

use super::{Store, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, as_text, get, key, number, text};
use crate::dynamo::table::{if_condition_held, page};
use crate::limits::BATCH_GET_KEYS_MAX;
use crate::sync::items::{to_clocks, to_head, to_log, to_marker, to_record};
use crate::sync::keys;

impl Store {
    /// The room's HEAD, strongly consistent; the default before the first commit.
    pub async fn head(&self, room: &Room, cost: &mut Cost) -> Result<Head, StoreError> {
        let item = self.table.get(key(keys::room(room), keys::HEAD), cost).await?;
        item.as_ref().map_or_else(|| Ok(Head::default()), to_head)
    }

    /// At most `items` log items after `position`, in commit order, strongly consistent, in one Query.
    ///
    /// The first item may begin before `position` and end after it.
    pub async fn log_after(
        &self,
        room: &Room,
        position: Stamp,
        items: usize,
        cost: &mut Cost,
    ) -> Result<Vec<LogItem>, StoreError> {
        let query = self.table.query("pk = :pk AND sk > :position", keys::log(room)).limit(limit(items));
        let query = query.expression_attribute_values(":position", text(keys::log_item(position)));
        page(query, cost).await?.items().iter().map(to_log).collect()
    }

    /// The room's HEAD, FEED and CLOCKS in one BatchGetItem; each is the default if it does not exist yet.
    pub async fn figures(&self, room: &Room, cost: &mut Cost) -> Result<RoomFigures, StoreError> {
        let (mut figures, mut readings) = (RoomFigures::default(), Vec::new());
        let sort_keys = [keys::HEAD, keys::FEED, keys::CLOCKS].map(str::to_owned);
        for item in self.items(room, sort_keys, cost).await? {
            match get(&item, "sk", as_text)?.as_str() {
                keys::HEAD => figures.head = to_head(&item)?,
                keys::FEED => figures.feed = to_feed(&item)?,
                _ => {}
            }
            // A HEAD of the release before has the readings of then.
            readings.extend(to_clocks(&item)?.iter().map(|(device, reading)| (device.clone(), reading)));
        }
        figures.clocks = readings.into_iter().collect();
        Ok(figures)
    }

    /// Records that the room's log was published up to `feed`. Events may repeat and come out of order, so
    /// FEED never goes back.
    pub async fn delivered(&self, room: &Room, feed: Feed, cost: &mut Cost) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(key(keys::room(room), keys::FEED)))
            .update_expression("SET #stamp = :stamp, #changes = :changes")
            .condition_expression("attribute_not_exists(#stamp) OR #stamp < :stamp")
            .expression_attribute_names("#stamp", "stamp")
            .expression_attribute_names("#changes", "changes")
            .expression_attribute_values(":stamp", number(feed.stamp.0))
            .expression_attribute_values(":changes", number(feed.changes));
        let result = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        if let Some(output) = if_condition_held(result, cost)? {
            cost.wrote(output.consumed_capacity());
        }
        Ok(())
    }

    /// Reads what the decision about `push` needs, each item strongly consistent by itself.
    pub async fn load(&self, room: &Room, push: &Push, cost: &mut Cost) -> Result<Snapshot, StoreError> {
        let batch = push.batch.as_ref().map(|batch| (&push.device, batch));
        self.load_records(room, push.keys(), batch, cost).await
    }

    /// Reads HEAD, the records `keys`, and the marker of `batch`, each strongly consistent by itself.
    pub async fn load_records(
        &self,
        room: &Room,
        keys: BTreeSet<&RecordKey>,
        batch: Option<(&DeviceId, &BatchId)>,
        cost: &mut Cost,
    ) -> Result<Snapshot, StoreError> {
        let records: BTreeMap<String, &RecordKey> =
            keys.into_iter().map(|key| (keys::record(key), key)).collect();
        let marker = batch.map(|(device, batch)| keys::batch(device, batch));
        let sort_keys = records.keys().cloned().chain(marker.clone()).chain([keys::HEAD.to_owned()]);
        let mut snapshot = Snapshot::default();
        for item in self.items(room, sort_keys, cost).await? {
            let sk = get(&item, "sk", as_text)?;
            if sk == keys::HEAD {
                snapshot.head = Some(to_head(&item)?);
            } else if marker.as_ref() == Some(sk) {
                snapshot.marker = Some(to_marker(&item)?);
            } else if let Some(&key) = records.get(sk) {
                snapshot.records.insert(key.clone(), to_record(&item)?);
            }
        }
        Ok(snapshot)
    }

    /// The client's branches that have commits; at most one more than [`HEAD_OFFICE_BRANCHES_MAX`].
    pub async fn branches(&self, client: &ClientId, cost: &mut Cost) -> Result<Vec<BranchId>, StoreError> {
        let query = self.table.query_prefix(keys::client(client), keys::BRANCH_PREFIX);
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

fn to_feed(item: &Item) -> Result<Feed, StoreError> {
    Ok(Feed { stamp: Stamp(get(item, "stamp", as_number)?), changes: get(item, "changes", as_number)? })
}
