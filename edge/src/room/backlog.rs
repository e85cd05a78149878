//! What waits for a client that reads too slowly. The memory of the isolate holds it, so there is a limit;
//! a pull brings more at once than the frames that waited.

use js_sys::Reflect;
use protocol::limits::SOCKET_BACKLOG_BYTES_MAX;
use protocol::wire::socket::ServerFrame;
use wasm_bindgen::JsValue;
use worker::{WebSocket, web_sys};

use super::close_reason::{BEHIND, GONE};
use super::sockets;

/// Bytes after which a client is asked for a sign that it reads, on a runtime that does not tell what waits.
const UNREAD_BYTES_PING: u64 = 256 * 1024;

const _: () = assert!(2 * UNREAD_BYTES_PING < SOCKET_BACKLOG_BYTES_MAX);

/// What to do about a socket after a delivery.
#[derive(Debug, PartialEq, Eq)]
enum Action {
    Nothing,
    /// Ask the client for a sign.
    Ping,
    /// Close the socket.
    Behind,
}

/// Closes `socket`, which `sent` bytes were sent to, if too much waits for its client.
pub(super) fn check(socket: &WebSocket, sent: usize) {
    let action = match waiting_bytes(socket) {
        Some(waiting) => of_waiting(waiting),
        None => count_unread(socket, sent),
    };
    match action {
        Action::Nothing => {}
        Action::Ping => {
            if socket.send_with_str(ServerFrame::Ping.to_json()).is_err() {
                sockets::close(socket, GONE);
            }
        }
        Action::Behind => sockets::close(socket, BEHIND),
    }
}

fn of_waiting(waiting: u64) -> Action {
    if waiting > SOCKET_BACKLOG_BYTES_MAX { Action::Behind } else { Action::Nothing }
}

/// Bytes that the runtime holds for the client; `None` on a runtime that does not tell.
fn waiting_bytes(socket: &WebSocket) -> Option<u64> {
    let raw: &web_sys::WebSocket = socket.as_ref();
    // The crate would take a missing property for 0.
    let bytes = Reflect::get(raw, &JsValue::from_str("bufferedAmount")).ok()?.as_f64()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
    Some(bytes as u64)
}

/// Adds `sent` to what was sent since the last frame of the client, in the attachment of `socket`.
fn count_unread(socket: &WebSocket, sent: usize) -> Action {
    let Some(mut socket_state) = sockets::state_of(socket) else { return Action::Nothing };
    let before = socket_state.unread_bytes;
    socket_state.unread_bytes = before.saturating_add(sent as u64);
    sockets::save_and_send(socket, &socket_state, None);
    of_unread(before, socket_state.unread_bytes)
}

/// Bytes sent without a sign grew from `before` to `after`.
fn of_unread(before: u64, after: u64) -> Action {
    if after > SOCKET_BACKLOG_BYTES_MAX {
        return Action::Behind;
    }
    if before / UNREAD_BYTES_PING < after / UNREAD_BYTES_PING { Action::Ping } else { Action::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = SOCKET_BACKLOG_BYTES_MAX;

    #[test]
    fn one_byte_over_the_limit_closes_the_socket() {
        assert_eq!([of_waiting(0), of_waiting(MAX)], [Action::Nothing, Action::Nothing]);
        assert_eq!(of_waiting(MAX + 1), Action::Behind);
        assert_eq!(of_unread(MAX - 1, MAX), Action::Ping);
        assert_eq!(of_unread(MAX, MAX + 1), Action::Behind);
    }

    #[test]
    fn a_client_is_asked_before_the_limit() {
        for (before, after, action) in [
            (0, UNREAD_BYTES_PING - 1, Action::Nothing),
            (UNREAD_BYTES_PING - 1, UNREAD_BYTES_PING, Action::Ping),
            (UNREAD_BYTES_PING, 2 * UNREAD_BYTES_PING - 1, Action::Nothing),
            (0, 3 * UNREAD_BYTES_PING, Action::Ping),
        ] {
            assert_eq!(of_unread(before, after), action, "{before} {after}");
        }
    }
}
