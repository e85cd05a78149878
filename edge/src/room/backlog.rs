//! What waits for a client that reads too slowly. The memory of the isolate holds it, so there is a limit;
//! a pull brings more at once than the frames that waited.

use std::cell::Cell;
use std::rc::Rc;

use protocol::limits::SOCKET_BACKLOG_BYTES_MAX;
use protocol::wire::socket::ServerFrame;

use super::close_reason::BEHIND;
use super::open_sockets::OpenSocket;
use super::sockets;

/// Bytes after which a client is asked for a sign that it reads, on a runtime that does not tell what waits.
const UNREAD_BYTES_PING: u64 = 256 * 1024;

const _: () = assert!(2 * UNREAD_BYTES_PING < SOCKET_BACKLOG_BYTES_MAX);

/// Bytes that each socket may get before the room looks again at what waits: a look costs a tenth of a small
/// commit.
const UNCHECKED_BYTES_MAX: u64 = 256 * 1024;

/// The bytes that a socket may have got since the last look.
pub(super) struct Unchecked(Cell<u64>);

impl Default for Unchecked {
    /// What was sent before the room lost its memory is not known.
    fn default() -> Unchecked {
        Unchecked(Cell::new(UNCHECKED_BYTES_MAX))
    }
}

impl Unchecked {
    /// Closes the sockets for whose clients too much waits, before more is sent. All that one event sends
    /// waits until it ends, so only what was there before it counts.
    pub(super) fn close_slow(&self, sockets: &[Rc<OpenSocket>]) {
        if self.0.get() < UNCHECKED_BYTES_MAX {
            return;
        }
        self.0.set(0);
        for socket in sockets {
            let waiting = sockets::waiting_bytes(socket.raw());
            if waiting.unwrap_or_else(|| socket.state().unread_bytes) > SOCKET_BACKLOG_BYTES_MAX {
                socket.close(BEHIND);
            }
        }
    }

    /// Notes that sockets have got up to `bytes` more.
    pub(super) fn add(&self, bytes: usize) {
        self.0.set(self.0.get().saturating_add(bytes as u64));
    }
}

/// Whether the runtime tells how much waits for the clients of `sockets`.
pub(super) fn is_told(sockets: &[Rc<OpenSocket>]) -> bool {
    sockets.first().is_none_or(|socket| sockets::waiting_bytes(socket.raw()).is_some())
}

/// Counts `sent` bytes on a runtime that does not tell what waits. Asks the client for a sign now and then.
pub(super) fn count(socket: &OpenSocket, sent: usize) {
    let before = socket.state().unread_bytes;
    let after = before.saturating_add(sent as u64);
    socket.state_mut().unread_bytes = after;
    socket.save();
    if asks(before, after) {
        socket.send_frame(&ServerFrame::Ping);
    }
}

/// Whether the client is asked for a sign, now that bytes without one have grown from `before` to `after`.
fn asks(before: u64, after: u64) -> bool {
    before / UNREAD_BYTES_PING < after / UNREAD_BYTES_PING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_looks_again_after_enough_bytes() {
        let unchecked = Unchecked::default();
        unchecked.close_slow(&[]);
        assert_eq!(unchecked.0.get(), 0);
        unchecked.add(1000);
        unchecked.close_slow(&[]);
        assert_eq!(unchecked.0.get(), 1000, "not yet");
        unchecked.add(256 * 1024 - 1000);
        unchecked.close_slow(&[]);
        assert_eq!(unchecked.0.get(), 0);
    }

    #[test]
    fn a_client_is_asked_before_the_limit() {
        for (before, after, is_asked) in [
            (0, UNREAD_BYTES_PING - 1, false),
            (UNREAD_BYTES_PING - 1, UNREAD_BYTES_PING, true),
            (UNREAD_BYTES_PING, 2 * UNREAD_BYTES_PING - 1, false),
            (0, 3 * UNREAD_BYTES_PING, true),
        ] {
            assert_eq!(asks(before, after), is_asked, "{before} {after}");
        }
    }
}
