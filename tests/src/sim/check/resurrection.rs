//! I6: a deleted record stays deleted.

use std::collections::BTreeMap;

use model::Key;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::push::{PushRecord, PushRequest};
use sync::record::Record;

use crate::sim::event_log::{EventLog, PushCall};

/// I6, without the model: no write from before a deletion restores the record without a `base_version`, even
/// after the tombstone is gone.
pub(super) fn stays_deleted(
    deletions: &mut BTreeMap<(Room, Key), Stamp>,
    log: &EventLog,
    (room, calls): (&Room, &[&PushCall]),
    key: &Key,
    found: &Record,
) {
    let place = (room.clone(), key.clone());
    if found.deleted {
        deletions.insert(place, found.stamp);
        return;
    }
    let Some(deletion) = deletions.remove(&place) else { return };
    if calls.iter().all(|call| is_stale(call, key, deletion)) {
        let when = deletion.time();
        let what = format!("{room}: {} {}, deleted at {when}, is restored", key.0, key.1);
        log.violation("resurrection", what);
    }
}

/// Whether all writes of a push about `key` are from before `deletion`, without a `base_version`.
fn is_stale(call: &PushCall, key: &Key, deletion: Stamp) -> bool {
    let Ok(body) = serde_json::from_str::<PushRequest>(&call.body) else { return true };
    let clock = body.device_time.as_ref().and_then(|time| DeviceTime::parse(time).ok());
    let is_stale = |record: &PushRecord| {
        let Some(Ok(at)) = record.local_updated_at.as_deref().map(DeviceTime::parse) else { return false };
        // As long before the server's time as it is before the device's.
        let corrected =
            clock.map_or(at, |clock| DeviceTime(at.0.saturating_sub(clock.since(call.arrived_at))));
        record.base_version.is_none() && at.max(corrected) < deletion.time().into()
    };
    body.records.iter().filter(|record| is_about(record, key)).all(is_stale)
}

/// Whether `record` is a write of the record `key`.
pub(super) fn is_about(record: &PushRecord, key: &Key) -> bool {
    (&record.table_name, &record.record_id) == (&key.0, &key.1)
}
