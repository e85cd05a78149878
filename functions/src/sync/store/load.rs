//! What a write needs: HEAD, the batch's marker and the records, in one BatchGetItem.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::{BatchId, DeviceId, Room};
use protocol::record::RecordKey;
use sync::push::Push;
use sync::snapshot::Snapshot;

use super::Store;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{as_text, get};
use crate::sync::items::{to_head, to_marker, to_record};
use crate::sync::keys;

impl Store {
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
}
