//! Limits of one isolate, which has 128 MB of memory.

use protocol::limits::{BODY_BYTES_MAX, SIGN_IN_BODY_BYTES_MAX};

use crate::room::TURN_BOUND;
use crate::upstream::CALL_TIMEOUT;

/// Bytes of all request bodies at once. The runtime holds a copy of each while a function handles it.
pub(crate) const BODIES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Request bodies at once (about 200 bytes each beside their content).
pub(crate) const BODIES_MAX: usize = 10_000;
/// Bytes of the bodies of one client at once.
pub(crate) const CLIENT_BODIES_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes of all bodies without an access token at once.
pub(crate) const SIGN_IN_BODIES_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of all bodies of functions at once: their signature is verified only with the whole body.
pub(crate) const FUNCTION_BODIES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Seconds for which a body may be held after its last window of time: a write waits for its turn, and then
/// for its function.
pub(crate) const BODY_HELD_SECS: u64 = 30;
/// Calls of functions for one client at once: a branch of 100 tills, each with a push and a pull under way,
/// stays below it. The default of `CLIENT_CALLS_MAX`.
pub(crate) const CLIENT_CALLS_MAX: usize = 250;

// Callers without a token leave room for a client, and each share has room for several of its bodies.
const _: () = assert!(
    SIGN_IN_BODIES_BYTES_MAX + FUNCTION_BODIES_BYTES_MAX + CLIENT_BODIES_BYTES_MAX <= BODIES_BYTES_MAX
);
const _: () = assert!(TURN_BOUND.as_secs() + CALL_TIMEOUT.as_secs() < BODY_HELD_SECS);
const _: () = assert!(2 * BODY_BYTES_MAX <= FUNCTION_BODIES_BYTES_MAX);
const _: () = assert!(100 * SIGN_IN_BODY_BYTES_MAX <= SIGN_IN_BODIES_BYTES_MAX);
