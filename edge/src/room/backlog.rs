//! What waits for a client that reads too slowly. The memory of the isolate holds it, so there is a limit;
//! a pull brings more at once than the frames that waited.

use js_sys::Reflect;
use protocol::limits::SOCKET_BACKLOG_BYTES_MAX;
use protocol::wire::socket::ServerFrame;
use wasm_bindgen::JsValue;
use worker::{WebSocket, web_sys};

use super::close_reason::BEHIND;
use super::socket_state::SocketState;
use super::sockets;

/// Bytes after which a client is asked for a sign that it reads, on a runtime that does not tell what waits.
const UNREAD_BYTES_PING: u64 = 256 * 1024;

const _: () = assert!(2 * UNREAD_BYTES_PING < SOCKET_BACKLOG_BYTES_MAX);

/// Closes the sockets for whose clients too much waits, before more is sent. All that one event sends waits
/// until it ends, so only what was there before it counts.
pub(super) fn close_slow(sockets: &[(WebSocket, SocketState)]) {
    for (socket, state) in sockets {
        if waiting_bytes(socket).unwrap_or(state.unread_bytes) > SOCKET_BACKLOG_BYTES_MAX {
            sockets::close(socket, BEHIND);
        }
    }
}

/// Counts `sent` bytes on a runtime that does not tell what waits. Asks the client for a sign now and then.
pub(super) fn count(socket: &WebSocket, sent: usize) {
    if waiting_bytes(socket).is_some() {
        return;
    }
    let Some(mut state) = sockets::state_of(socket) else { return };
    let before = state.unread_bytes;
    state.unread_bytes = before.saturating_add(sent as u64);
    let ping = asks(before, state.unread_bytes).then_some(ServerFrame::Ping);
    sockets::save_and_send(socket, &state, ping.as_ref());
}

/// Bytes that the runtime holds for the client; `None` on a runtime that does not tell.
fn waiting_bytes(socket: &WebSocket) -> Option<u64> {
    let raw: &web_sys::WebSocket = socket.as_ref();
    // The crate would take a missing property for 0.
    let bytes = Reflect::get(raw, &JsValue::from_str("bufferedAmount")).ok()?.as_f64()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
    Some(bytes as u64)
}

/// Whether the client is asked for a sign, now that bytes without one have grown from `before` to `after`.
fn asks(before: u64, after: u64) -> bool {
    before / UNREAD_BYTES_PING < after / UNREAD_BYTES_PING
}

#[cfg(test)]
mod tests {
    use super::*;

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
