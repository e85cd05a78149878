//! Limits of the Redis client.

use protocol::limits::RECORD_BYTES_MAX;

/// Bytes of one request to Redis: the limit of the service's smallest plan.
pub const REDIS_REQUEST_BYTES_MAX: usize = 1_000_000;
/// Bytes of one response. An adapter reads no more.
pub const REDIS_ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Nesting depth of one response, the array of a pipeline's replies included.
pub const REDIS_REPLY_DEPTH_MAX: usize = 16;
/// Values in one response, nested ones included: a short text could otherwise become a large list.
pub const REDIS_REPLY_ITEMS_MAX: usize = 100_000;
/// Tries of a request, the first included.
pub const REDIS_ATTEMPTS_MAX: u32 = 5;
/// Milliseconds of one try of a request, unless the caller sets a budget.
pub const REDIS_TRY_MILLIS: u64 = 400;
/// Milliseconds of a request with all its tries and pauses, unless the caller sets a budget.
pub const REDIS_TOTAL_MILLIS: u64 = 1000;
/// Milliseconds of the longest pause before the second try; it doubles with every try.
pub const REDIS_PAUSE_MILLIS: u64 = 20;
/// Milliseconds of the longest pause before any try.
pub const REDIS_PAUSE_MILLIS_MAX: u64 = 200;
/// Tries whose outcomes the circuit breaker remembers.
pub const BREAKER_WINDOW: u32 = 10;
/// Failures among these tries that open the breaker.
pub const BREAKER_FAILURES: u32 = 5;
/// Milliseconds for which an open breaker admits nothing; then it admits one probe.
pub const BREAKER_PAUSE_MILLIS: u64 = 2000;
/// Bytes of the deployment's prefix of all its Redis keys.
pub const REDIS_PREFIX_BYTES_MAX: usize = 32;
/// Bytes of a glob that selects cached entries.
pub const REDIS_GLOB_BYTES_MAX: usize = 512;
/// Bytes of a sync token; a longer one is ignored.
pub const SYNC_TOKEN_BYTES_MAX: usize = 1024;

// The window fits the breaker's bit set.
const _: () = assert!(BREAKER_FAILURES <= BREAKER_WINDOW && BREAKER_WINDOW <= u16::BITS);
const _: () = assert!(REDIS_TRY_MILLIS <= REDIS_TOTAL_MILLIS && REDIS_PAUSE_MILLIS <= REDIS_PAUSE_MILLIS_MAX);
// A probe ends before the breaker admits another.
const _: () = assert!(REDIS_TRY_MILLIS < BREAKER_PAUSE_MILLIS);
// The largest record fits a request: a JSON string may double, an encrypted value grows by a third.
const _: () = assert!(2 * RECORD_BYTES_MAX + 16 * 1024 < REDIS_REQUEST_BYTES_MAX);
