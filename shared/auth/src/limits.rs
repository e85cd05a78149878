//! Limits of tokens, sessions and request rates.

use protocol::limits::SESSION_IDLE_SECS;

/// Seconds an access token is valid: 15 minutes.
pub const ACCESS_TOKEN_SECS: u64 = 15 * 60;
/// Seconds a refresh token is valid: 30 days.
pub const REFRESH_TOKEN_SECS: u64 = 30 * 24 * 3600;
/// Seconds a refresh token still works after it was replaced, unless its successor was used.
pub const REFRESH_GRACE_SECS: u64 = 60;
/// Seconds after which a sign-in ends, however often its token was refreshed: 90 days.
pub const SESSION_SECS_MAX: u64 = 90 * 24 * 3600;
/// Seconds for which an ended session is remembered: longer than any access token that was issued in it lives, whatever
/// clocks differ by.
pub const SESSION_ENDED_SECS: u64 = ACCESS_TOKEN_SECS + 60;
/// Seconds for which the edge believes what it was told of a session.
pub const SESSION_STATUS_SECS: u64 = 5;
/// Sign-ins that a user has at once, unless a deployment says otherwise; the oldest leaves.
pub const SESSIONS_PER_USER_DEFAULT: usize = 20;
/// Sign-ins that a deployment may allow a user at most: they are listed in one answer.
pub const SESSIONS_PER_USER_MAX: usize = 200;
/// Bytes of a caller's address that a sign-in remembers.
pub const ADDRESS_BYTES_MAX: usize = 64;
/// Bytes of what a caller's program calls itself that a sign-in remembers.
pub const AGENT_BYTES_MAX: usize = 256;
/// Bytes of a token in a header or query, at most.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// Seconds by which a signed publish may be old or ahead.
pub const PUBLISH_AGE_SECS_MAX: u64 = 5 * 60;
/// Requests a minute of one user, of those that are not about sync.
pub const USER_PER_MINUTE: u32 = 100;
/// Requests a minute without a token from one address, sign-ins aside: a shop's tills share an address.
pub const ADDRESS_PER_MINUTE: u32 = 100;
/// Sign-ins a minute as one user.
pub const LOGIN_NAME_PER_MINUTE: u32 = 10;
/// Sign-ins a minute from one address.
pub const LOGIN_ADDRESS_PER_MINUTE: u32 = 100;
/// How many times fewer sign-ins an isolate lets in by itself, while there is no Redis to count with the others in.
pub const LOGIN_WITHOUT_REDIS_DIVISOR: u32 = 10;
/// Callers whose requests an isolate counts at once while there is no Redis; about 150 bytes each.
pub const LOCAL_RATE_CALLERS_MAX: usize = 10_000;
/// Sessions of which an isolate remembers that; about 200 bytes each.
pub const SESSION_STATUSES_MAX: usize = 10_000;
/// Milliseconds that the door waits for Redis before it decides by itself.
pub const ADMISSION_BUDGET_MILLIS: u64 = 150;
/// Seconds for which the answer of `/readyz` is good: who asks more often asks Redis no more often.
pub const READY_SECS: u64 = 5;

const _: () = assert!(REFRESH_GRACE_SECS < ACCESS_TOKEN_SECS);
// A session in use is never idle: its access token is refreshed more often than that.
const _: () = assert!(ACCESS_TOKEN_SECS < SESSION_IDLE_SECS);
const _: () = assert!(ACCESS_TOKEN_SECS < SESSION_ENDED_SECS && REFRESH_TOKEN_SECS <= SESSION_SECS_MAX);
const _: () = assert!(SESSIONS_PER_USER_DEFAULT <= SESSIONS_PER_USER_MAX);
