//! Limits of tokens, sessions and request rates.

use protocol::limits::SESSION_IDLE_SECS;

/// Lifetime of an access token in seconds: 15 minutes.
pub const ACCESS_TOKEN_SECS: u64 = 15 * 60;
/// Lifetime of a refresh token in seconds: 30 days.
pub const REFRESH_TOKEN_SECS: u64 = 30 * 24 * 3600;
/// Seconds for which a replaced refresh token still works, unless its successor was used.
pub const REFRESH_GRACE_SECS: u64 = 60;
/// Maximum lifetime of a session in seconds, however often it is refreshed: 90 days.
pub const SESSION_SECS_MAX: u64 = 90 * 24 * 3600;
/// Seconds for which an ended session stays in Redis: longer than the lifetime of its access tokens, with a
/// margin for clock skew.
pub const SESSION_ENDED_SECS: u64 = ACCESS_TOKEN_SECS + 60;
/// Seconds for which the edge caches the status of a session.
pub const SESSION_STATUS_SECS: u64 = 5;
/// Sessions of one user at a time by default; a further sign-in ends the oldest.
pub const SESSIONS_PER_USER_DEFAULT: usize = 20;
/// Largest number of sessions per user that a deployment may set; one response lists them all.
pub const SESSIONS_PER_USER_MAX: usize = 200;
/// Bytes of the caller's address that a session stores.
pub const ADDRESS_BYTES_MAX: usize = 64;
/// Bytes of the caller's `User-Agent` that a session stores.
pub const AGENT_BYTES_MAX: usize = 256;
/// Maximum number of bytes of a token in a header or query.
pub const TOKEN_BYTES_MAX: usize = 4 * 1024;
/// Seconds by which the time of a signed publish may differ from ours.
pub const PUBLISH_AGE_SECS_MAX: u64 = 5 * 60;
/// Requests per minute of one user, except sync.
pub const USER_PER_MINUTE: u32 = 100;
/// Requests per minute without a token from one address, except sign-ins; a shop's tills share an address.
pub const ADDRESS_PER_MINUTE: u32 = 100;
/// Failed sign-ins that cause no delay, for each name and address.
pub const LOGIN_FAILURES_FREE: u32 = 10;
/// Maximum number of seconds between two attempts after failed sign-ins: 15 minutes.
pub const LOGIN_DELAY_SECS_MAX: u64 = 15 * 60;
/// Seconds after the last failed sign-in in which failures count: a day.
pub const LOGIN_FAILURES_SECS: u64 = 24 * 3600;
/// Seconds for which a network counts as known after a sign-in there: 90 days.
pub const KNOWN_NETWORK_SECS: u64 = 90 * 24 * 3600;
/// Seconds after which a sign-in notes its network again: a day.
pub const KNOWN_NETWORK_AGAIN_SECS: u64 = 24 * 3600;
/// Sync requests per minute of one client in one isolate: many times what a large chain needs. It keeps one
/// client from taking all concurrency of an account.
pub const CLIENT_SYNC_PER_MINUTE: u32 = 60_000;
/// Sign-ins per minute from one address.
pub const LOGIN_ADDRESS_PER_MINUTE: u32 = 100;
/// Divisor applied to sign-in limits while Redis is unreachable.
pub const LOGIN_WITHOUT_REDIS_DIVISOR: u32 = 10;
/// Maximum number of callers that an isolate counts while Redis is unreachable (about 150 bytes each).
pub const LOCAL_RATE_CALLERS_MAX: usize = 10_000;
/// Maximum number of active sessions cached per isolate (about 200 bytes each).
pub const SESSION_STATUSES_MAX: usize = 10_000;
/// Maximum number of ended sessions that an isolate remembers (about 200 bytes each). Only sessions that
/// really ended are counted, and signing in is limited, so a flood does not push one out within 15 minutes.
pub const ENDED_SESSIONS_MAX: usize = 20_000;
/// Maximum number of exhausted limits that an isolate remembers (about 200 bytes each).
pub const EXHAUSTED_LIMITS_MAX: usize = 10_000;
/// Milliseconds that admission waits for Redis before it decides locally.
pub const ADMISSION_BUDGET_MILLIS: u64 = 150;
/// Seconds for which the response of `/readyz` is cached.
pub const READY_SECS: u64 = 5;

const _: () = assert!(REFRESH_GRACE_SECS < ACCESS_TOKEN_SECS);
// A session in use is never idle: its access token is refreshed more often than that.
const _: () = assert!(ACCESS_TOKEN_SECS < SESSION_IDLE_SECS);
const _: () = assert!(ACCESS_TOKEN_SECS < SESSION_ENDED_SECS && REFRESH_TOKEN_SECS <= SESSION_SECS_MAX);
const _: () = assert!(SESSIONS_PER_USER_DEFAULT <= SESSIONS_PER_USER_MAX);
