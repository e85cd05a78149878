//! Limits of the log, cursors, records and retention.

// The edge knows these two as well.
use protocol::limits::{BATCH_BYTES_MAX, PUSH_RECORDS_MAX, RECORD_BYTES_MAX, RECORD_ID_BYTES_MAX};
pub use protocol::limits::{LOG_SETTLE_SECS, WRITE_SECS_MAX};

/// Bytes of `data` in one page of a pull; the change that exceeds the limit is the last of its page.
pub const PULL_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a cursor. Leaves room for other parameters in the edge's 4 KiB query.
pub const CURSOR_BYTES_MAX: usize = 4020;
/// Positions in one cursor, the note of the last branch that was checked included. A client with more
/// branches needs a checkpoint.
pub const CURSOR_POSITIONS_MAX: usize = 200;
/// Positions in a cursor that names a checkpoint; the name takes the place of the others.
pub const CURSOR_CHANGES_MAX: usize = CURSOR_POSITIONS_MAX - 2;
/// HEADs in one BatchGetItem, while head office looks for a branch with news.
pub const HEADS_READ_MAX: usize = 100;
/// Bytes of a record key inside a cursor: table name, separator and record id.
pub const CURSOR_KEY_BYTES_MAX: usize = RECORD_ID_BYTES_MAX + 1 + 64;
/// Tables whose last change HEAD names. With the counts of 32 tables HEAD stays below 1 KB, one write unit.
pub const TABLE_STAMPS_MAX: usize = 8;
/// Bytes of changes in one log item before compression. DynamoDB limits an item to 400 KB.
pub const LOG_ITEM_BYTES_MAX: usize = 330 * 1024;
/// Maximum number of bytes of a decompressed log item; protects memory from a corrupt item.
pub const LOG_ITEM_INFLATED_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a record's members other than `data` that do not count in its batch.
pub const RECORD_SURPLUS_BYTES: usize = 8 * 1024;
/// Bytes of a rejected record that are kept: 64 KiB of `data` and the other members. Of a longer record the
/// dead letters keep the beginning, the size and the hash.
pub const DEAD_PAYLOAD_BYTES_MAX: usize = RECORD_BYTES_MAX + RECORD_SURPLUS_BYTES;
/// Seconds a log item is kept: 7 days.
pub const LOG_RETENTION_SECS: u64 = 7 * 24 * 3600;
/// Seconds a batch marker is kept, and so how long a retry is exactly-once: 90 days.
pub const MARKER_RETENTION_SECS: u64 = 90 * 24 * 3600;
/// Seconds a tombstone is kept: 90 days. An older unversioned write may be of a deleted record and is
/// rejected.
pub const TOMBSTONE_RETENTION_SECS: u64 = 90 * 24 * 3600;
/// Largest window of a table in days: 100 years.
pub const WINDOW_DAYS_MAX: u32 = 36_500;
/// Microseconds by which `device_time` must differ from the server's time to correct a clock: 30 seconds.
/// Smaller differences may be delays of the network, which change with each attempt.
pub const CLOCK_SKEW_MICROS_MIN: u64 = 30 * 1_000_000;
/// Digits before the point of an additive number.
pub const DECIMAL_WHOLE_DIGITS_MAX: usize = 18;
/// Digits after the point of an additive number.
pub const DECIMAL_PLACES_MAX: usize = 9;
/// Members of a record whose last change is stored one by one, for field-merge.
pub const FIELD_VERSIONS_MAX: usize = 256;
/// Bytes of the names of these members together.
pub const FIELD_VERSIONS_BYTES_MAX: usize = 8 * 1024;
/// Versions of a record whose authors are stored: so many edits of one record may wait in a device's queue.
pub const VERSION_AUTHORS_MAX: usize = 8;
/// Ranges of numbers of a device's batches that are stored: its last installations, and holes between
/// batches.
pub const DEVICE_RANGES_MAX: usize = 16;
/// Seconds between two marks of how far a device's numbers had come: 10 days.
pub const DEVICE_MARK_SECS: u64 = 10 * 24 * 3600;
/// Marks that are stored, which reach back beyond the default retention of batch markers.
pub const DEVICE_MARKS_MAX: usize = 12;
/// Devices of a room whose clock readings are stored.
pub const DEVICE_CLOCKS_MAX: usize = 128;
/// Bytes of the ids of these devices together; all readings are one item.
pub const DEVICE_CLOCKS_BYTES_MAX: usize = 4 * 1024;
/// Seconds after which a stored clock reading is replaced by one that says the same: 1 hour.
pub const CLOCK_READING_SECS: u64 = 3600;
/// Milliseconds by which a clock must differ from its stored reading to be stored again. Smaller differences
/// are the time that a push took.
pub const CLOCK_CHANGE_MILLIS: u64 = 5_000;
/// Bytes of data that one commit writes, records and log together; DynamoDB allows 4 MB per transaction.
/// Deletes and writes with `fields` store the whole record, which may be more than was sent.
pub const COMMIT_BYTES_MAX: usize = 3_500_000;
/// Actions of one commit: DynamoDB's limit for a transaction.
pub const COMMIT_ACTIONS_MAX: usize = 100;
/// Bytes of data in a push response, as escaped text; a Lambda response may have 6 MB.
pub const RESPONSE_DATA_BYTES_MAX: usize = 5_000_000;

// A batch that replaces every record always fits: its data once in the records and once in the log.
const _: () = assert!(2 * BATCH_BYTES_MAX <= COMMIT_BYTES_MAX);
// So do records that are rejected: what is kept of each counts in the batch, except for its surplus, and
// takes up to twice its bytes when quotes are escaped. The rest is names and messages.
const _: () = assert!(
    2 * BATCH_BYTES_MAX + PUSH_RECORDS_MAX * (2 * RECORD_SURPLUS_BYTES + 4 * 1024) <= COMMIT_BYTES_MAX
);
// A single record always fits a log item.
const _: () = assert!(2 * RECORD_BYTES_MAX < LOG_ITEM_BYTES_MAX);
const _: () = assert!(LOG_ITEM_BYTES_MAX < LOG_ITEM_INFLATED_BYTES_MAX);
// Replicas have at least half a minute.
const _: () = assert!(WRITE_SECS_MAX + 30 <= LOG_SETTLE_SECS);
// While the number of a batch is younger than its marker, some mark tells.
const _: () = assert!(DEVICE_MARK_SECS * (DEVICE_MARKS_MAX as u64 - 1) > MARKER_RETENTION_SECS);
// A retry whose changes are still in the log also finds its marker.
const _: () = assert!(LOG_RETENTION_SECS <= MARKER_RETENTION_SECS);
