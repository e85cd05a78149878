//! Limits of the Redis client.

use protocol::limits::RECORD_BYTES_MAX;

/// Bytes of one request to Redis: what the service takes on its smallest plan.
pub const REDIS_REQUEST_BYTES_MAX: usize = 1_000_000;
/// Bytes of one answer of Redis. An adapter reads no further.
pub const REDIS_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How deeply the arrays of one answer of Redis may nest, the answer to a pipeline and its items included.
pub const REDIS_REPLY_DEPTH_MAX: usize = 16;
/// Values in one answer of Redis, nested ones included: a short text could otherwise become a large list.
pub const REDIS_REPLY_ITEMS_MAX: usize = 100_000;
/// Times a request to Redis is tried, the first included.
pub const REDIS_ATTEMPTS_MAX: u32 = 5;
/// Milliseconds one try of a request to Redis may take, unless the caller says otherwise.
pub const REDIS_TRY_MILLIS: u64 = 400;
/// Milliseconds a request to Redis may take with all its tries and pauses, unless the caller says otherwise.
pub const REDIS_TOTAL_MILLIS: u64 = 1000;
/// Milliseconds of the longest pause before the second try; it doubles with every try.
pub const REDIS_PAUSE_MILLIS: u64 = 20;
/// Milliseconds of the longest pause before any try.
pub const REDIS_PAUSE_MILLIS_MAX: u64 = 200;
/// Tries that the circuit breaker remembers.
pub const BREAKER_WINDOW: u32 = 10;
/// Failures among them that open it.
pub const BREAKER_FAILURES: u32 = 5;
/// Milliseconds an open breaker lets nothing through; then it lets one try through to see.
pub const BREAKER_PAUSE_MILLIS: u64 = 2000;
/// Bytes of the deployment's prefix, with which all its Redis keys begin.
pub const REDIS_PREFIX_BYTES_MAX: usize = 32;
/// Bytes of a pattern by which cached entries are chosen.
pub const REDIS_GLOB_BYTES_MAX: usize = 512;
/// Bytes of a sync token; a longer one is none of the service's.
pub const SYNC_TOKEN_BYTES_MAX: usize = 1024;
/// Bytes of the name of a key that seals values.
pub const ENCRYPTION_KEY_ID_BYTES_MAX: usize = 16;
/// Keys that seal or open values: the current one and those before it.
pub const ENCRYPTION_KEYS_MAX: usize = 8;

// The attempts of one call can open the breaker.
const _: () = assert!(BREAKER_FAILURES <= BREAKER_WINDOW && BREAKER_WINDOW <= u16::BITS);
const _: () = assert!(REDIS_TRY_MILLIS <= REDIS_TOTAL_MILLIS && REDIS_PAUSE_MILLIS <= REDIS_PAUSE_MILLIS_MAX);
// A probe ends before the breaker takes it for lost.
const _: () = assert!(REDIS_TRY_MILLIS < BREAKER_PAUSE_MILLIS);
// The largest record fits a request: a JSON string may double, an encrypted value grows by a third.
const _: () = assert!(2 * RECORD_BYTES_MAX + 16 * 1024 < REDIS_REQUEST_BYTES_MAX);
