//! What a write reads: HEAD, the batch's marker and the records, in one BatchGetItem.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use protocol::ids::{BatchId, DeviceId, Room};
use protocol::record::RecordKey;
use sync::push::Push;
use sync::snapshot::Snapshot;

use super::cost::Cost;
use super::error::StoreError;
use super::item::{Item, as_text, get, to_head, to_marker, to_record};
use super::{Store, keys};

impl Store {
    /// Reads what `push` needs to be decided, each item strongly consistent by itself.
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
        for item in self.batch_get(keys::room(room), sort_keys, cost).await? {
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

    /// Items of one partition, each strongly consistent by itself; those that there are.
    pub(super) async fn batch_get(
        &self,
        pk: String,
        sort_keys: impl Iterator<Item = String>,
        cost: &mut Cost,
    ) -> Result<Vec<Item>, StoreError> {
        let key = |sk| {
            HashMap::from([
                ("pk".into(), AttributeValue::S(pk.clone())),
                ("sk".into(), AttributeValue::S(sk)),
            ])
        };
        self.batch_get_keys(sort_keys.map(key).collect(), cost).await
    }

    /// Items of any partitions, at most [`crate::limits::BATCH_GET_KEYS_MAX`], each strongly consistent by itself;
    /// those that there are.
    pub(super) async fn batch_get_keys(
        &self,
        keys: Vec<Item>,
        cost: &mut Cost,
    ) -> Result<Vec<Item>, StoreError> {
        let mut wanted = keys_and_attributes(keys)?;
        let mut items = Vec::new();
        // DynamoDB answers at most 16 MB at once and hands back the keys it did not get to; each round makes
        // progress or is throttled, which the SDK retries.
        loop {
            let request = self.client.batch_get_item().request_items(&self.table, wanted);
            let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
            let answer = answer.inspect_err(|_| cost.failed())?;
            cost.read(answer.consumed_capacity());
            items.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table)) {
                Some(left) => wanted = left,
                None => return Ok(items),
            }
        }
    }
}

fn keys_and_attributes(keys: Vec<Item>) -> Result<KeysAndAttributes, StoreError> {
    let built = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
    built.map_err(StoreError::build)
}
