//! Why a room closes a socket.

use protocol::wire::close_code::CloseCode;

/// The code and the reason of a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CloseReason {
    pub(super) code: CloseCode,
    pub(super) reason: &'static str,
}

/// The token expired; the client should reconnect with a new one.
pub(super) const EXPIRED: CloseReason =
    CloseReason { code: CloseCode::Unauthorized, reason: "token expired" };
/// The token in an `auth` frame was not issued by this server.
pub(super) const INVALID: CloseReason =
    CloseReason { code: CloseCode::Unauthorized, reason: "token invalid" };
/// The session ended; the user must sign in again.
pub(super) const ENDED: CloseReason = CloseReason { code: CloseCode::Unauthorized, reason: "session ended" };
/// The token in an `auth` frame is of another session, user, device, role or branch.
pub(super) const OTHER_CALLER: CloseReason =
    CloseReason { code: CloseCode::Forbidden, reason: "token of another caller" };
/// The client did not answer a ping.
pub(super) const SILENT: CloseReason = CloseReason { code: CloseCode::Silent, reason: "no answer to a ping" };
/// The client does not read what it gets; it should connect again and pull.
pub(super) const BEHIND: CloseReason = CloseReason { code: CloseCode::Behind, reason: "pull" };
/// The device or the session opened one socket too many; this was its oldest.
pub(super) const REPLACED: CloseReason =
    CloseReason { code: CloseCode::Replaced, reason: "replaced by a newer socket" };
/// The client sent more frames than it may.
pub(super) const TOO_MANY_FRAMES: CloseReason =
    CloseReason { code: CloseCode::TooMany, reason: "too many frames" };
/// The socket failed; the client should reconnect at once.
pub(super) const GONE: CloseReason = CloseReason { code: CloseCode::Internal, reason: "connection lost" };

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// The only files that close a socket in the runtime; both take a `CloseCode`, or the client's own code.
    const CLOSING: [&str; 2] = ["handlers/socket.rs", "room/sockets.rs"];

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn no_other_file_closes_sockets() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let closes = |path: &PathBuf| fs::read_to_string(path).unwrap().contains(concat!(".clo", "se(Some("));
        let mut closing = sources(&root);
        closing.retain(closes);
        closing.sort();
        assert_eq!(closing, CLOSING.map(|name| root.join(name)));
    }
}
