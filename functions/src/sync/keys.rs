//! Every key of the sync table. Each contains the tenant. No part can forge another key: client, branch and
//! table cannot contain `#`, a record or batch id comes last, and a device is escaped.

use protocol::ids::{BatchId, BranchId, ClientId, DeviceId, Room};
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use sync::dead_letter_id::DeadLetterKey;
use sync::pull::table_ranges::TableRange;

/// The sort key of a room's HEAD.
pub const HEAD: &str = "HEAD";
/// The sort key of a room's FEED: how far its log was published.
pub const FEED: &str = "FEED";
/// The sort key of the clock readings of a room's devices.
pub const CLOCKS: &str = "CLOCKS";

/// The partition and the sort key that a check of DynamoDB reads; there is no such item.
pub const HEALTH: &str = "HEALTH";

/// The sort key of a room's counts of dead letters and conflicts.
pub const COUNTS: &str = "COUNTS";

/// The partition of a room's records.
pub fn room(room: &Room) -> String {
    format!("ROOM#{}#{}", room.client, room.branch)
}

/// The partition of a room's log.
pub fn log(room: &Room) -> String {
    format!("LOG#{}#{}", room.client, room.branch)
}

/// The room of a log's partition key.
pub fn room_of_log(pk: &str) -> Option<Room> {
    room_after("LOG#", pk)
}

/// The room of the partition key of its records or its log.
pub fn room_of(pk: &str) -> Option<Room> {
    room_after("ROOM#", pk).or_else(|| room_of_log(pk))
}

fn room_after(prefix: &str, pk: &str) -> Option<Room> {
    let (client, branch) = pk.strip_prefix(prefix)?.split_once('#')?;
    Some(Room { client: client.parse().ok()?, branch: branch.parse().ok()? })
}

/// The partition of what is known of a room's damaged items. A partition of its own, so that functions that
/// only read rooms may write here and nowhere else.
pub fn damage(room: &Room) -> String {
    format!("DAMAGE#{}#{}", room.client, room.branch)
}

/// The sort key of the item that lists them.
pub const DAMAGE: &str = "ITEMS";

/// The partition of the rooms that `change-stream` could not tell of their log; the sort key is the room.
pub const BEHIND: &str = "BEHIND";

/// The partition that lists a client's branches.
pub fn client(client: &ClientId) -> String {
    format!("CLIENT#{client}")
}

/// The partition of the checkpoints of a client's head office; the sort key is the checkpoint. A partition of
/// its own, so that a function that only reads rooms may write here.
pub fn checkpoints(client: &ClientId) -> String {
    format!("CURSOR#{client}")
}

/// The sort key of a branch in the list of its client's branches.
pub fn branch(branch: &BranchId) -> String {
    format!("{BRANCH_PREFIX}{branch}")
}

/// The prefix of every branch's sort key.
pub const BRANCH_PREFIX: &str = "BRANCH#";

/// The branch of a sort key.
pub fn branch_of(sk: &str) -> Option<BranchId> {
    sk.strip_prefix(BRANCH_PREFIX)?.parse().ok()
}

/// The sort key of a record.
pub fn record(key: &RecordKey) -> String {
    format!("{RECORD_PREFIX}{}#{}", key.table, key.id)
}

/// The prefix of the sort keys of a table's records.
pub fn table_prefix(table: &str) -> String {
    format!("{RECORD_PREFIX}{table}#")
}

/// The bounds of the sort keys of the records of `range`; no record has one of them itself.
pub fn table_range(range: &TableRange) -> (String, String) {
    // `$` is the character after `#`, and no table name has either.
    (table_prefix(&range.first), format!("{RECORD_PREFIX}{}$", range.last))
}

/// The prefix of every record's sort key.
pub const RECORD_PREFIX: &str = "REC#";

/// The record of a sort key. A table name has no `#`, so the first `#` ends it.
pub fn record_of(sk: &str) -> Option<RecordKey> {
    let (table, id) = sk.strip_prefix(RECORD_PREFIX)?.split_once('#')?;
    Some(RecordKey { table: table.to_owned(), id: id.to_owned() })
}

/// The sort key of a batch's marker. The device is escaped, so that it cannot name the batch of another
/// device.
pub fn batch(device: &DeviceId, batch: &BatchId) -> String {
    format!("BATCH#{}#{batch}", device.as_str().replace('%', "%25").replace('#', "%23"))
}

/// The sort key of the numbers of a device's batches; `device` as it writes.
pub fn device(device: &DeviceId) -> String {
    format!("{DEVICE_PREFIX}{device}")
}

/// The prefix of these sort keys.
pub const DEVICE_PREFIX: &str = "DEVICE#";

/// The device of such a sort key.
pub fn device_of(sk: &str) -> Option<DeviceId> {
    sk.strip_prefix(DEVICE_PREFIX)?.parse().ok()
}

/// The sort key of an item of dead letters. Keys sort by time.
pub fn dead(key: &DeadLetterKey) -> String {
    format!("{DEAD_PREFIX}{key}")
}

/// The prefix of the sort keys of all items with dead letters of the batch of `key`.
pub fn dead_of_batch(key: &DeadLetterKey) -> String {
    format!("{DEAD_PREFIX}{}", key.prefix_of_batch())
}

/// The dead letters' key of a sort key.
pub fn dead_of(sk: &str) -> Option<DeadLetterKey> {
    sk.strip_prefix(DEAD_PREFIX)?.parse().ok()
}

/// The prefix of every sort key of dead letters.
pub const DEAD_PREFIX: &str = "DEAD#";
/// A sort key after those of all dead letters, which continue with digits.
pub const DEAD_END: &str = "DEAD#~";

/// The stamp of a log item's sort key.
pub fn stamp_of_log(sk: &str) -> Option<Stamp> {
    sk.parse().ok().map(Stamp)
}

/// The sort key of the log item that ends with `last`: sixteen digits, so that keys sort in commit order.
pub fn log_item(last: Stamp) -> String {
    format!("{:016}", last.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_stored_form() {
        let here: Room = "1:2".parse().unwrap();
        let key = RecordKey { table: "products".into(), id: "a#b".into() };
        assert_eq!(room(&here), "ROOM#1#2");
        assert_eq!(log(&here), "LOG#1#2");
        assert_eq!(room_of_log("LOG#1#2"), Some(here.clone()));
        assert_eq!((room_of("LOG#1#2"), room_of("ROOM#1#2")), (Some(here.clone()), Some(here.clone())));
        assert_eq!(room_of("CLIENT#1"), None);
        assert_eq!(damage(&here), "DAMAGE#1#2");
        assert_eq!(client(&here.client), "CLIENT#1");
        assert_eq!(branch(&here.branch), "BRANCH#2");
        assert_eq!(branch_of("BRANCH#2"), Some(here.branch));
        assert_eq!(record(&key), "REC#products#a#b");
        assert_eq!(table_prefix("products"), "REC#products#");
        let range = TableRange { first: "halls".into(), last: "products".into() };
        assert_eq!(table_range(&range), ("REC#halls#".into(), "REC#products$".into()));
        assert_eq!(record_of("REC#products#a#b"), Some(key));
        assert_eq!(record_of("BATCH#till-1#b"), None);
        let till: DeviceId = "till#1".parse().unwrap();
        assert_eq!((device(&till).as_str(), device_of("DEVICE#till#1")), ("DEVICE#till#1", Some(till)));
        assert_eq!(log_item(Stamp(1_765_103_400_000_145)), "1765103400000145");
        assert_eq!(stamp_of_log("0000000000000007"), Some(Stamp(7)));
        assert_eq!(stamp_of_log("HEAD"), None);
        assert_eq!(checkpoints(&here.client), "CURSOR#1");
        let letters = DeadLetterKey { at: Stamp(7), batch: "0123456789abcdef".into(), part: 0 };
        assert_eq!(dead(&letters), "DEAD#0000000000000007.0123456789abcdef.0");
        assert_eq!(dead_of(&dead(&letters)), Some(letters));
        assert_eq!(log_item(Stamp(7)), "0000000000000007");
    }

    #[test]
    fn a_device_cannot_name_the_batch_of_another() {
        let key = |d: &str, b: &str| batch(&d.parse().unwrap(), &b.parse().unwrap());
        assert_eq!(key("till-1", "b-1"), "BATCH#till-1#b-1");
        assert_ne!(key("a#b", "c"), key("a", "b#c"));
        assert_ne!(key("a#", "c"), key("a%23", "c"));
    }
}
