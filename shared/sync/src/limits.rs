//! Limits of log, cursors, records and retention.

use protocol::limits::{BATCH_BYTES_MAX, RECORD_BYTES_MAX, RECORD_ID_BYTES_MAX};

/// Bytes of `data` in one page of a pull; a page ends with the change that passes it.
pub const PULL_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a cursor: one over [`HEAD_OFFICE_BRANCHES_MAX`] branches fits, and it fits the 4 KiB of a query at the
/// edge with room for the other parameters.
pub const CURSOR_BYTES_MAX: usize = 3950;
/// Bytes of a record's name inside a cursor: the longest id, the longest table name and what is between them.
pub const CURSOR_KEY_BYTES_MAX: usize = RECORD_ID_BYTES_MAX + 1 + 64;
/// Bytes of changes in one log item before compression. DynamoDB's limit for an item is 400 KB.
pub const LOG_ITEM_BYTES_MAX: usize = 330 * 1024;
/// Bytes of a decompressed log item, at most: what we wrote, and a bound on what we believe.
pub const LOG_ITEM_INFLATED_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a rejected record that the dead letters keep, 64 KiB of `data` and what goes with it; of a longer one they
/// keep the beginning, size and hash.
pub const DEAD_PAYLOAD_BYTES_MAX: usize = RECORD_BYTES_MAX + 8 * 1024;
/// Seconds a log item is kept: 7 days.
pub const LOG_RETENTION_SECS: u64 = 7 * 24 * 3600;
/// Seconds a batch marker is kept, and with it the promise of exactly-once: 90 days.
pub const MARKER_RETENTION_SECS: u64 = 90 * 24 * 3600;
/// Seconds a tombstone is kept: 90 days. An unversioned write that is older may be of something deleted.
pub const TOMBSTONE_RETENTION_SECS: u64 = 90 * 24 * 3600;
/// Seconds after a commit's stamp within which nobody relies on having read all of it: HEAD, log and records are read one
/// after the other, and DynamoDB promises no common view of a transaction. That takes a moment; the rest is how far the
/// clock that made the stamp and the reader's may lie apart.
pub const LOG_SETTLE_SECS: u64 = 30;
/// Digits before the point of a number that is added to.
pub const DECIMAL_WHOLE_DIGITS_MAX: usize = 18;
/// Digits after the point of a number that is added to.
pub const DECIMAL_PLACES_MAX: usize = 9;
/// Members of a record whose last change is remembered one by one, for field-merge.
pub const FIELD_VERSIONS_MAX: usize = 256;
/// Bytes of these members' names together.
pub const FIELD_VERSIONS_BYTES_MAX: usize = 8 * 1024;
/// Devices of a room whose clocks are remembered.
pub const DEVICE_CLOCKS_MAX: usize = 32;
/// Bytes of these devices' names together: HEAD is read by every pull.
pub const DEVICE_CLOCKS_BYTES_MAX: usize = 1024;
/// Bytes of data that one commit writes, records and log together; a transaction may have 4 MB. Deletes and writes
/// with `fields` write the whole record, which may be more than was sent.
pub const COMMIT_BYTES_MAX: usize = 3_500_000;
/// Bytes of data in a push's answer, as escaped text: Lambda answers with at most 6 MB.
pub const ANSWER_DATA_BYTES_MAX: usize = 5_000_000;

// A batch that replaces every record always fits: its data once as records and once, uncompressed, as log.
const _: () = assert!(2 * BATCH_BYTES_MAX <= COMMIT_BYTES_MAX);
// A single record always fits a log item.
const _: () = assert!(2 * RECORD_BYTES_MAX < LOG_ITEM_BYTES_MAX);
const _: () = assert!(LOG_ITEM_BYTES_MAX < LOG_ITEM_INFLATED_BYTES_MAX);
// A retry that still finds its changes in the log also still finds its marker.
const _: () = assert!(LOG_RETENTION_SECS <= MARKER_RETENTION_SECS);
