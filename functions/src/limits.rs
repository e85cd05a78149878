//! Limits of DynamoDB and Lambda, and of what the functions do at once.

use cache::limits::CACHE_BATCH_MAX;
use protocol::limits::{
    BATCH_BYTES_MAX, BODY_BYTES_MAX, DEAD_LETTERS_LIMIT_MAX, PULL_LIMIT_MAX, PUSH_RECORDS_MAX,
    READ_RECORDS_MAX, RECORD_BYTES_MAX,
};
use sync::limits::{
    COMMIT_BYTES_MAX, DEAD_PAYLOAD_BYTES_MAX, LOG_ITEM_BYTES_MAX, LOG_ITEM_INFLATED_BYTES_MAX,
    PULL_BYTES_MAX, RESPONSE_DATA_BYTES_MAX,
};

/// Actions in one DynamoDB transaction.
pub const TRANSACTION_ACTIONS_MAX: usize = 100;
/// Keys in one DynamoDB `BatchGetItem`.
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// How often a push that lost a race is decided again before it is told to come back.
pub const PUSH_ATTEMPTS_MAX: u32 = 12;
/// Bytes of the committed changes that a push hands to the edge beside its answer (the fast path).
pub const FAST_PATH_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a push's answer up to which the commit goes along; Lambda answers with at most 6 MB, as escaped text.
pub const FAST_PATH_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of data in one publish from `change-stream`; a single log item may be more, and still passes the door.
pub const PUBLISH_BYTES_MAX: usize = 1024 * 1024;
/// Pending changes of a cart that one transaction folds into it, at most; each is an action, and so is the cart.
pub const CART_COMPACT_MAX: usize = TRANSACTION_ACTIONS_MAX - 1;
/// Steps of a scan in one call of the maintenance, which costs a command or two a key, and more where it mends: 100,000 keys or so.
pub const CACHE_MAINTENANCE_STEPS_MAX: u32 = 200;

/// Bytes of one Lambda response.
const LAMBDA_RESPONSE_BYTES_MAX: usize = 6_000_000;
/// Bytes of one DynamoDB item (400 KB).
const ITEM_BYTES_MAX: usize = 400_000;
/// Bytes of one DynamoDB transaction (4 MB).
const TRANSACTION_BYTES_MAX: usize = 4_000_000;
/// Log items of the largest batch, each full but for the one record that did not fit any more.
const LOG_ITEMS_MAX: usize = BATCH_BYTES_MAX.div_ceil(LOG_ITEM_BYTES_MAX - 2 * RECORD_BYTES_MAX) + 1;

// The largest batch fits one transaction: its records, HEAD, the marker, the branch's entry, the log items, and as many
// items of dead letters at most (a record is in the log or in the dead letters).
const _: () = assert!(PUSH_RECORDS_MAX + 3 + 2 * (LOG_ITEMS_MAX + 1) <= TRANSACTION_ACTIONS_MAX);
// One BatchGetItem loads a push: its records, HEAD and the marker.
const _: () = assert!(PUSH_RECORDS_MAX + 2 <= BATCH_GET_KEYS_MAX);
// One BatchGetItem loads a batch read; HEAD is read before it.
const _: () = assert!(CACHE_BATCH_MAX <= BATCH_GET_KEYS_MAX);
// Data, names and numbers of a commit fit a transaction.
const _: () = assert!(COMMIT_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < TRANSACTION_BYTES_MAX);
// A log item fits a DynamoDB item.
const _: () = assert!(LOG_ITEM_BYTES_MAX + 16 * 1024 < ITEM_BYTES_MAX);
// One publish fits a request body at the edge, JSON around it included.
const _: () = assert!(PUBLISH_BYTES_MAX + LOG_ITEM_INFLATED_BYTES_MAX < BODY_BYTES_MAX);
// A push response fits a Lambda response: its data, and names, times and numbers of every record.
const _: () = assert!(RESPONSE_DATA_BYTES_MAX + PUSH_RECORDS_MAX * 2048 < LAMBDA_RESPONSE_BYTES_MAX);
// So does a page of a pull that is all quotes and ends with the largest record.
const _: () =
    assert!(2 * (PULL_BYTES_MAX + RECORD_BYTES_MAX) + PULL_LIMIT_MAX * 1024 < LAMBDA_RESPONSE_BYTES_MAX);
// So does a batch read: data, and names, times and numbers of every record.
const _: () = assert!(READ_RECORDS_MAX * (2 * RECORD_BYTES_MAX + 4096) < LAMBDA_RESPONSE_BYTES_MAX);
// So does a page of dead letters that ends with a cut one that is all quotes.
const _: () = assert!(
    2 * (PULL_BYTES_MAX + 2 * DEAD_PAYLOAD_BYTES_MAX) + DEAD_LETTERS_LIMIT_MAX * 2048
        < LAMBDA_RESPONSE_BYTES_MAX
);
