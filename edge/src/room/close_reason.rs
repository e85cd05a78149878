//! Why the server closes a socket. RFC 6455 leaves the codes 4000 to 4999 to applications.

/// The code and the reason of a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

/// The token expired; the client should reconnect with a new one.
pub(super) const EXPIRED: CloseReason = CloseReason { code: 4401, reason: "token expired" };
/// The session ended; the user must sign in again.
pub(super) const ENDED: CloseReason = CloseReason { code: 4401, reason: "session ended" };
/// The client did not answer a ping.
pub(super) const SILENT: CloseReason = CloseReason { code: 4408, reason: "no answer to a ping" };
/// The device or the session opened one socket too many; this was its oldest.
pub(super) const REPLACED: CloseReason = CloseReason { code: 4410, reason: "replaced by a newer socket" };
/// The client sent more frames than it may.
pub(super) const TOO_MANY_FRAMES: CloseReason = CloseReason { code: 4429, reason: "too many frames" };
/// The socket failed; the client should reconnect at once.
pub(super) const GONE: CloseReason = CloseReason { code: 4500, reason: "connection lost" };
