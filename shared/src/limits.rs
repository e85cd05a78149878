//! Every limit of the product, with its unit, in one place.

/// Records in one push.
pub const PUSH_RECORDS_MAX: usize = 50;
/// Bytes of one record's `data`, as the JSON text that was sent.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of all `data` of one push together.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a request's body at the edge.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How deeply arrays and objects may nest inside a body.
pub const JSON_DEPTH_MAX: usize = 64;
/// Names in a record's `fields`.
pub const FIELDS_MAX: usize = 256;

/// Bytes of a client or branch id.
pub const TENANT_ID_BYTES_MAX: usize = 64;
/// Bytes of a record id, as UTF-8.
pub const RECORD_ID_BYTES_MAX: usize = 255;
/// Bytes of a device or batch id, as UTF-8.
pub const DEVICE_ID_BYTES_MAX: usize = 128;
/// Bytes of a user name or password; hashing longer ones would be a way to keep us busy.
pub const CREDENTIAL_BYTES_MAX: usize = 256;

/// Changes in one page of a pull, when the caller does not say.
pub const PULL_LIMIT_DEFAULT: usize = 100;
/// Changes in one page of a pull, at most.
pub const PULL_LIMIT_MAX: usize = 1000;
/// Bytes of `data` in one page of a pull; a page ends with the change that passes it.
pub const PULL_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Branches that head office follows with one cursor.
pub const HEAD_OFFICE_BRANCHES_MAX: usize = 200;
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
/// Dead letters in one page, when the caller does not say.
pub const DEAD_LETTERS_LIMIT_DEFAULT: usize = 50;
/// Dead letters in one page, at most.
pub const DEAD_LETTERS_LIMIT_MAX: usize = 100;
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

/// Actions in one DynamoDB transaction.
pub const TRANSACTION_ACTIONS_MAX: usize = 100;
/// Keys in one DynamoDB `BatchGetItem`.
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// Bytes of data that one commit writes, records and log together; a transaction may have 4 MB. Deletes and writes
/// with `fields` write the whole record, which may be more than was sent.
pub const COMMIT_BYTES_MAX: usize = 3_500_000;
/// How often a push that lost a race is decided again before it is told to come back.
pub const PUSH_ATTEMPTS_MAX: u32 = 12;

/// Microseconds a till's clock may be ahead of ours: 5 minutes.
pub const CLOCK_AHEAD_MICROS_MAX: u64 = 5 * 60 * 1_000_000;

/// Bytes of data in a push's answer, as escaped text: Lambda answers with at most 6 MB.
pub const ANSWER_DATA_BYTES_MAX: usize = 5_000_000;
/// Bytes of the committed changes that a push hands to the edge beside its answer (the fast path).
pub const FAST_PATH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a push's answer up to which the commit goes along; Lambda answers with at most 6 MB, as escaped text.
pub const FAST_PATH_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of data in one publish from `change-stream`; a single log item may be more, and still passes the door.
pub const PUBLISH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a caller's text that an error repeats.
pub const ECHO_BYTES_MAX: usize = 160;
/// Commits a room remembers in order to drop doubles.
pub const ROOM_REMEMBERS_MAX: usize = 256;
/// Sockets of one room; Cloudflare allows 32,768, a branch has fewer tills than this.
pub const ROOM_SOCKETS_MAX: usize = 1000;
/// Bytes of one text frame a till may send.
pub const FRAME_BYTES_MAX: usize = 4 * 1024;

/// Seconds an access token is valid: 15 minutes.
pub const ACCESS_TOKEN_SECS: u64 = 15 * 60;
/// Seconds a refresh token is valid: 30 days.
pub const REFRESH_TOKEN_SECS: u64 = 30 * 24 * 3600;
/// Seconds a refresh token still works after it was replaced, unless its successor was used.
pub const REFRESH_GRACE_SECS: u64 = 60;
/// Bytes of a token in a header or query, at most.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// Seconds by which a signed publish may be old or ahead.
pub const PUBLISH_AGE_SECS_MAX: u64 = 5 * 60;

// A push of the largest allowed batch fits one transaction: its records, HEAD, the batch's marker, the
// branch's entry and the log items (each full but for the one record that no longer fitted).
const LOG_ITEMS_MAX: usize = BATCH_BYTES_MAX.div_ceil(LOG_ITEM_BYTES_MAX - 2 * RECORD_BYTES_MAX) + 1;
// Dead letters take as many items at most as the log would: a record is in one or the other.
const _: () = assert!(PUSH_RECORDS_MAX + 3 + 2 * (LOG_ITEMS_MAX + 1) <= TRANSACTION_ACTIONS_MAX);
// What a push loads (its records, HEAD and the marker) fits one BatchGetItem.
const _: () = assert!(PUSH_RECORDS_MAX + 2 <= BATCH_GET_KEYS_MAX);
// A batch of writes that replace always fits: its data once as records and once, uncompressed, as log.
const _: () = assert!(2 * BATCH_BYTES_MAX <= COMMIT_BYTES_MAX);
// Data, names and numbers of a commit stay below a transaction's 4 MB.
const _: () = assert!(COMMIT_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < 4_000_000);
// A single record always fits a log item, and a log item always fits a DynamoDB item (400 KB).
const _: () = assert!(2 * RECORD_BYTES_MAX < LOG_ITEM_BYTES_MAX);
const _: () = assert!(LOG_ITEM_BYTES_MAX + 16 * 1024 < 400_000);
const _: () = assert!(LOG_ITEM_BYTES_MAX < LOG_ITEM_INFLATED_BYTES_MAX);
// What is published at once passes the door, JSON around it included.
const _: () = assert!(PUBLISH_BYTES_MAX + LOG_ITEM_INFLATED_BYTES_MAX < BODY_BYTES_MAX);
// An answer passes Lambda: its data, and for every record names, times and numbers.
const _: () = assert!(ANSWER_DATA_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < 6_000_000);
// A page of a pull passes it too, even if it is all quotes and ends with the largest record.
const _: () = assert!(2 * (PULL_BYTES_MAX + RECORD_BYTES_MAX) + PULL_LIMIT_MAX * 1024 < 6_000_000);
// So does a page of dead letters that ends with one that is cut and all quotes.
const _: () =
    assert!(2 * (PULL_BYTES_MAX + 2 * DEAD_PAYLOAD_BYTES_MAX) + DEAD_LETTERS_LIMIT_MAX * 2048 < 6_000_000);
// The largest batch passes the door.
const _: () = assert!(BATCH_BYTES_MAX < BODY_BYTES_MAX);
// A retry that still finds its changes in the log also still finds its marker.
const _: () = assert!(LOG_RETENTION_SECS <= MARKER_RETENTION_SECS);
const _: () = assert!(PULL_LIMIT_DEFAULT <= PULL_LIMIT_MAX);
const _: () = assert!(REFRESH_GRACE_SECS < ACCESS_TOKEN_SECS);
