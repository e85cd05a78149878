//! HEAD and log of a room, FEED (how far `change-stream` has published the log), and the snapshot that a
//! write needs.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use protocol::ids::{BatchId, DeviceId, Room};
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::clocks::Clocks;
use sync::device_batches::DeviceBatches;
use sync::log::{Damaged, LogEntry, LogError};
use sync::marker::ReadMarker;
use sync::push::Push;
use sync::snapshot::{Head, Snapshot};
use sync::stats::{Feed, RoomFigures};

use super::{Store, damage, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_parsed, as_text, get, key, number, text};
use crate::dynamo::table::{if_condition_held, page};
use crate::sync::items::counts::to_room_counts;
use crate::sync::items::device_batches::{DEVICE, to_device_batches};
use crate::sync::items::{
    CLOCKS, FEED, HEAD, LOG, MARKER, RECORD, to_clocks, to_feed, to_head, to_log, to_marker, to_record,
};
use crate::sync::keys;

impl Store {
    /// The room's HEAD, strongly consistent; the default before the first commit.
    pub async fn head(&self, room: &Room, cost: &mut Cost) -> Result<Head, StoreError> {
        let item = self.table.get(key(keys::room(room), keys::HEAD), cost).await?;
        item.map_or_else(|| Ok(Head::default()), |item| self.head_of(&item))
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
    ) -> Result<Vec<LogEntry>, StoreError> {
        let query = self.table.query("pk = :pk AND sk > :position", keys::log(room)).limit(limit(items));
        let query = query.expression_attribute_values(":position", text(keys::log_item(position)));
        let entry = |item| match self.readable(&LOG, item, to_log)? {
            Some(log) => Ok(LogEntry::Item(log)),
            None => Ok(LogEntry::Damaged(Damaged { last: Stamp(get(item, "sk", as_parsed)?) })),
        };
        page(query, cost).await?.items().iter().map(entry).collect()
    }

    /// Reports a log item of `room` that ends with `last` and whose body is damaged.
    pub fn report_damaged_log(&self, room: &Room, last: Stamp, error: LogError) {
        self.report_damage(&LOG, &key(keys::log(room), keys::log_item(last)), &error.into());
    }

    /// The room's HEAD, FEED, CLOCKS, COUNTS and the number of its damaged items that are known at `now`, in
    /// one BatchGetItem; each is the default if it does not exist yet, and all but HEAD if it is damaged.
    pub async fn figures(
        &self,
        room: &Room,
        now: Timestamp,
        cost: &mut Cost,
    ) -> Result<RoomFigures, StoreError> {
        let (mut figures, mut readings) = (RoomFigures::default(), Vec::<Option<Clocks>>::new());
        let own = [keys::HEAD, keys::FEED, keys::CLOCKS, keys::COUNTS].map(|sk| key(keys::room(room), sk));
        let wanted = own.into_iter().chain([key(keys::damage(room), keys::DAMAGE)]).collect();
        for item in self.table.batch_get(wanted, cost).await? {
            match get(&item, "sk", as_text)?.as_str() {
                keys::HEAD => {
                    figures.head = self.head_of(&item)?;
                    // The release before kept the readings there.
                    readings.push(self.readable(&HEAD, &item, to_clocks)?);
                }
                keys::FEED => figures.feed = self.readable(&FEED, &item, to_feed)?.unwrap_or_default(),
                keys::CLOCKS => {
                    readings.push(self.readable(&CLOCKS, &item, |item| CLOCKS.read(item, to_clocks))?);
                }
                keys::COUNTS => {
                    figures.counts = to_room_counts(&item)?.0;
                }
                keys::DAMAGE => figures.damaged = damage::count(&item, now),
                _ => {}
            }
        }
        let readings = readings.iter().flatten().flat_map(Clocks::iter);
        figures.clocks = readings.map(|(device, reading)| (device.clone(), reading)).collect();
        Ok(figures)
    }

    /// Reads a HEAD. A damaged one is reported too: without its stamp, the room has no order.
    fn head_of(&self, item: &Item) -> Result<Head, StoreError> {
        self.readable(&HEAD, item, to_head)?.ok_or(StoreError::NoHead)
    }

    /// The numbers of the batches of `device`, as it writes; `None` if there are none, or if they are
    /// damaged.
    pub async fn device_batches(
        &self,
        room: &Room,
        device: &DeviceId,
        cost: &mut Cost,
    ) -> Result<Option<DeviceBatches>, StoreError> {
        let key = key(keys::room(room), keys::device(device));
        self.readable_item(&DEVICE, key, to_device_batches, cost).await
    }

    /// Records that the room's log was published up to `feed`. Events may repeat and come out of order, so
    /// FEED never goes back. A damaged FEED is written over.
    pub async fn delivered(&self, room: &Room, feed: Feed, cost: &mut Cost) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(key(keys::room(room), keys::FEED)))
            .update_expression("SET #stamp = :stamp, #changes = :changes")
            .condition_expression("NOT attribute_type(#stamp, :number) OR #stamp < :stamp")
            .expression_attribute_values(":number", text("N"))
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
        let (snapshot, markers) = self.load_group(room, &[push], cost).await?;
        Ok(with_marker(snapshot, markers))
    }

    /// Reads HEAD, the records `keys`, and the marker of `batch`, each strongly consistent by itself.
    pub async fn load_records(
        &self,
        room: &Room,
        keys: BTreeSet<&RecordKey>,
        batch: Option<(&DeviceId, &BatchId)>,
        cost: &mut Cost,
    ) -> Result<Snapshot, StoreError> {
        let batches: Vec<_> = batch.into_iter().collect();
        let (snapshot, markers) = self.load_all(room, keys, &batches, &[], cost).await?;
        Ok(with_marker(snapshot, markers))
    }

    /// Reads HEAD, the records of all `pushes`, their markers and the numbers of their devices, each strongly
    /// consistent by itself. The snapshot itself has no marker. At most
    /// [`crate::limits::BATCH_GET_KEYS_MAX`] keys.
    pub async fn load_group(
        &self,
        room: &Room,
        pushes: &[&Push],
        cost: &mut Cost,
    ) -> Result<(Snapshot, Vec<ReadMarker>), StoreError> {
        let keys = pushes.iter().flat_map(|push| push.keys_to_read()).collect();
        let batches = pushes.iter().filter_map(|push| Some((&push.device, push.batch.as_ref()?)));
        let batches: Vec<_> = batches.collect();
        let numbered = pushes.iter().filter(|push| push.counted_seq().is_some());
        let devices: Vec<DeviceId> = numbered.map(|push| push.author().into_owned()).collect();
        self.load_all(room, keys, &batches, &devices, cost).await
    }

    async fn load_all(
        &self,
        room: &Room,
        keys: BTreeSet<&RecordKey>,
        batches: &[(&DeviceId, &BatchId)],
        devices: &[DeviceId],
        cost: &mut Cost,
    ) -> Result<(Snapshot, Vec<ReadMarker>), StoreError> {
        let records: BTreeMap<String, &RecordKey> =
            keys.into_iter().map(|key| (keys::record(key), key)).collect();
        let names: Vec<String> = batches.iter().map(|(device, batch)| keys::batch(device, batch)).collect();
        let sort_keys = records.keys().chain(&names).cloned().chain([keys::HEAD.to_owned()]);
        let sort_keys = sort_keys.chain(devices.iter().map(keys::device));
        let (mut snapshot, mut markers) = (Snapshot::default(), vec![ReadMarker::None; names.len()]);
        snapshot.devices.extend(devices.iter().map(|device| (device.clone(), DeviceBatches::default())));
        for item in self.items(room, sort_keys, cost).await? {
            let sk = get(&item, "sk", as_text)?;
            if sk == keys::HEAD {
                snapshot.head = Some(self.head_of(&item)?);
            } else if let Some(marker) = markers.iter_mut().zip(&names).find(|(_, name)| *name == sk) {
                let read = self.readable(&MARKER, &item, to_marker)?;
                *marker.0 = read.map_or(ReadMarker::Damaged, ReadMarker::Found);
            } else if let Some(device) = keys::device_of(sk) {
                match self.readable(&DEVICE, &item, to_device_batches)? {
                    Some(batches) => drop(snapshot.devices.insert(device, batches)),
                    // Nothing needs it but what it proves, and a person repairs or deletes it.
                    None => drop(snapshot.devices.remove(&device)),
                }
            } else if let Some(&key) = records.get(sk) {
                match self.readable(&RECORD, &item, to_record)? {
                    Some(record) => drop(snapshot.records.insert(key.clone(), record)),
                    None => drop(snapshot.damaged.insert(key.clone())),
                }
            }
        }
        Ok((snapshot, markers))
    }
}

/// What was read for one batch.
fn with_marker(snapshot: Snapshot, markers: Vec<ReadMarker>) -> Snapshot {
    let marker = markers.into_iter().next().unwrap_or_default();
    let is_marker_damaged = marker == ReadMarker::Damaged;
    Snapshot { marker: marker.found(), is_marker_damaged, ..snapshot }
}
