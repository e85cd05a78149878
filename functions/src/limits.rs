//! Limits of DynamoDB and Lambda, and of one request or batch.

use cache::limits::CACHE_BATCH_MAX;
use protocol::limits::{
    BATCH_BYTES_MAX, BODY_BYTES_MAX, DEAD_LETTERS_LIMIT_MAX, PULL_LIMIT_MAX, PUSH_RECORDS_MAX,
    READ_RECORDS_FIT, READ_RECORDS_MAX, RECORD_BYTES_MAX,
};
use sync::limits::{
    COMMIT_ACTIONS_MAX, COMMIT_BYTES_MAX, DEAD_PAYLOAD_BYTES_MAX, HEADS_READ_MAX, LOG_ITEM_BYTES_MAX,
    LOG_ITEM_INFLATED_BYTES_MAX, PULL_BYTES_MAX, RESPONSE_DATA_BYTES_MAX,
};

/// Actions in one DynamoDB transaction.
pub const TRANSACTION_ACTIONS_MAX: usize = 100;
/// Keys in one DynamoDB `BatchGetItem`.
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// Maximum attempts to commit, while other commits come first.
pub const PUSH_ATTEMPTS_MAX: u32 = 12;
/// Maximum bytes of changes that a push hands to the edge beside its response (the fast path).
pub const FAST_PATH_BYTES_MAX: usize = 1024 * 1024;
/// Maximum bytes of a response that takes the fast path; Lambda allows 6 MB of escaped text.
pub const FAST_PATH_RESPONSE_BYTES_MAX: usize = 1024 * 1024;
/// Maximum bytes of the responses to a group of pushes. A push whose response exceeds it is sent again alone.
pub const GROUP_RESPONSE_BYTES_MAX: usize = 1024 * 1024;
/// Clock readings that a process remembers as stored, of all rooms (about 200 bytes each).
pub const STORED_CLOCKS_MAX: usize = 4096;
/// Maximum bytes of the data of a batch read, as escaped text; Lambda allows 6 MB.
pub const READ_RESPONSE_BYTES_MAX: usize = 5_500_000;
/// Bytes of data after which `change-stream` begins another publish; one log item may exceed it.
pub const PUBLISH_BYTES_MAX: usize = 1024 * 1024;
/// Branches that a function remembers as existing (about 200 bytes each).
pub const KNOWN_BRANCHES_MAX: usize = 10_000;
/// Seconds that `change-stream` gives one room; its shard waits that long for a room that does not answer.
pub const ROOM_PUBLISH_SECS: u64 = 5;
/// Seconds for which `change-stream` does not try a room again that did not answer.
pub const SILENT_ROOM_SECS: u64 = 30;
/// Maximum number of silent rooms that a process remembers (about 100 bytes each).
pub const SILENT_ROOMS_MAX: usize = 1000;
/// Rooms that one run of `change-redelivery` tries; at worst, each takes its time-out.
pub const BEHIND_ROOMS_MAX: usize = 50;
/// Log items of a room that one run of `change-redelivery` publishes.
pub const REDELIVERED_ITEMS_MAX: usize = 100;
/// Maximum pending changes that one transaction compacts; each is an action, and so is the cart.
pub const CART_COMPACT_MAX: usize = TRANSACTION_ACTIONS_MAX - 1;
/// Maximum steps of a scan in one maintenance run: about 100,000 keys, at a command or two each.
pub const CACHE_MAINTENANCE_STEPS_MAX: u32 = 200;

/// Bytes of one Lambda response.
const LAMBDA_RESPONSE_BYTES_MAX: usize = 6_000_000;
/// Bytes of one DynamoDB item (400 KB).
const ITEM_BYTES_MAX: usize = 400_000;
/// Bytes of one DynamoDB transaction (4 MB).
const TRANSACTION_BYTES_MAX: usize = 4_000_000;
/// Log items of the largest batch: each is full except for the record that did not fit.
const LOG_ITEMS_MAX: usize = BATCH_BYTES_MAX.div_ceil(LOG_ITEM_BYTES_MAX - 2 * RECORD_BYTES_MAX) + 1;

/// Items of dead letters of the largest commit: each is full except for the record that did not fit. A cut
/// payload counts twice, because quotes are escaped.
const DEAD_ITEMS_MAX: usize = COMMIT_BYTES_MAX.div_ceil(LOG_ITEM_BYTES_MAX - 2 * DEAD_PAYLOAD_BYTES_MAX) + 1;

// The largest batch fits one transaction: its records, HEAD, the marker, the branch's entry, the counts, the
// numbers of the device, the log items and the items of dead letters.
const _: () = assert!(PUSH_RECORDS_MAX + 5 + LOG_ITEMS_MAX + 1 + DEAD_ITEMS_MAX <= TRANSACTION_ACTIONS_MAX);
// So does a group of pushes.
const _: () = assert!(COMMIT_ACTIONS_MAX <= TRANSACTION_ACTIONS_MAX);
// The responses to a group fit a Lambda response, escaped and with their publications.
const _: () = assert!(
    2 * (GROUP_RESPONSE_BYTES_MAX + FAST_PATH_BYTES_MAX + TRANSACTION_ACTIONS_MAX * 1024)
        < LAMBDA_RESPONSE_BYTES_MAX
);
// One BatchGetItem loads a push: its records, HEAD, the marker and the numbers of the device.
const _: () = assert!(PUSH_RECORDS_MAX + 3 <= BATCH_GET_KEYS_MAX);
// One BatchGetItem loads the HEADs that a pull of head office asks for at once.
const _: () = assert!(HEADS_READ_MAX <= BATCH_GET_KEYS_MAX);
// One BatchGetItem loads a batch read; HEAD is read before it.
const _: () = assert!(CACHE_BATCH_MAX <= BATCH_GET_KEYS_MAX);
// Data, names and numbers of a commit fit a transaction.
const _: () = assert!(COMMIT_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < TRANSACTION_BYTES_MAX);
// A log item fits a DynamoDB item.
const _: () = assert!(LOG_ITEM_BYTES_MAX + 16 * 1024 < ITEM_BYTES_MAX);
// One publish fits a request body at the edge, JSON around it included.
const _: () = assert!(PUBLISH_BYTES_MAX + LOG_ITEM_INFLATED_BYTES_MAX < BODY_BYTES_MAX);
// A push response fits a Lambda response: its data, and the other members of every record.
const _: () = assert!(RESPONSE_DATA_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < LAMBDA_RESPONSE_BYTES_MAX);
// So does a page of a pull that consists of quotes, which JSON escapes, and ends with the largest record.
const _: () =
    assert!(2 * (PULL_BYTES_MAX + RECORD_BYTES_MAX) + PULL_LIMIT_MAX * 1024 < LAMBDA_RESPONSE_BYTES_MAX);
// So does a batch read: data and the other members of every record, of which the promised number always fits.
const _: () = assert!(READ_RESPONSE_BYTES_MAX + READ_RECORDS_MAX * 4096 < LAMBDA_RESPONSE_BYTES_MAX);
const _: () = assert!(READ_RECORDS_FIT * 2 * RECORD_BYTES_MAX <= READ_RESPONSE_BYTES_MAX);
// So does a page of dead letters that ends with a cut payload of quotes.
const _: () = assert!(
    2 * (PULL_BYTES_MAX + 2 * DEAD_PAYLOAD_BYTES_MAX) + DEAD_LETTERS_LIMIT_MAX * 2048
        < LAMBDA_RESPONSE_BYTES_MAX
);
