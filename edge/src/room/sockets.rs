//! Sockets of a room in the runtime.
//!
//! The crate's own methods unwrap, and a panic resets every room of the isolate. This file calls the imports
//! below them, which catch JavaScript exceptions.

use js_sys::{Date, Function, Reflect};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::socket::{ClientFrame, ServerFrame};
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use worker::{State, WebSocket, WebSocketRequestResponsePair, web_sys};

use super::close_reason::{CloseReason, GONE};
use super::socket_state::SocketState;

/// The code of a close that no error caused (RFC 6455).
const NORMAL_CLOSE: u16 = 1000;

/// Has the runtime answer `{"type":"ping"}` with `head`: free, and without waking the object.
pub(super) fn answer_pings(state: &State, head: Option<Stamp>) -> worker::Result<()> {
    // The runtime compares text; another spelling of the frame wakes the object, which answers it.
    let ping = serde_json::to_string(&ClientFrame::Ping)?;
    let pair = WebSocketRequestResponsePair::new(&ping, &ServerFrame::Pong { head }.to_json())?;
    Ok(state.as_raw().set_websocket_auto_response(&pair)?)
}

/// The head in the runtime's answer to pings, which outlives the memory of the object.
pub(super) fn answered_head(state: &State) -> Option<Stamp> {
    /// A pong. The wasm of all server frames would be larger by kilobytes.
    #[derive(Deserialize)]
    struct Pong {
        head: Option<Stamp>,
    }
    let pair = state.as_raw().get_websocket_auto_response().ok().flatten()?;
    serde_json::from_str::<Pong>(&pair.response()).ok()?.head
}

/// Accepts `socket` with `socket_state` as its attachment.
pub(super) fn accept(state: &State, socket: &WebSocket, socket_state: &SocketState) -> worker::Result<()> {
    state.as_raw().accept_websocket(socket.as_ref())?;
    socket.serialize_attachment(socket_state)
}

/// The open sockets with their states. A socket whose state cannot be read, from another version of this
/// code, is closed: its device reconnects.
pub(super) fn open(state: &State) -> worker::Result<Vec<(WebSocket, SocketState)>> {
    let sockets = state.as_raw().get_websockets()?.into_iter();
    let with_state = |socket: web_sys::WebSocket| {
        let socket = WebSocket::from(socket);
        let socket_state = state_of(&socket)?;
        Some((socket, socket_state))
    };
    Ok(sockets.filter(is_open_raw).filter_map(with_state).collect())
}

/// Whether neither side has closed `socket`. Frames that were on their way still arrive after a close.
pub(super) fn is_open(socket: &WebSocket) -> bool {
    is_open_raw(socket.as_ref())
}

fn is_open_raw(socket: &web_sys::WebSocket) -> bool {
    socket.ready_state() == web_sys::WebSocket::OPEN
}

/// The state of `socket`; closes a socket without one.
pub(super) fn state_of(socket: &WebSocket) -> Option<SocketState> {
    let socket_state = socket.deserialize_attachment().ok().flatten();
    if socket_state.is_none() {
        close(socket, GONE);
    }
    socket_state
}

/// The time of the last automatic pong on `socket`. The crate does not bind this method.
pub(super) fn last_automatic_pong(state: &State, socket: &WebSocket) -> Option<Timestamp> {
    let method =
        Reflect::get(state.as_raw(), &JsValue::from_str("getWebSocketAutoResponseTimestamp")).ok()?;
    let raw: &web_sys::WebSocket = socket.as_ref();
    let date = method.dyn_ref::<Function>()?.call1(state.as_raw(), raw).ok()?;
    let date = worker::Date::from(date.dyn_into::<Date>().ok()?);
    Some(Timestamp(date.as_millis().saturating_mul(1000)))
}

/// Closes `socket`; ignores the error of a closed one.
pub(super) fn close(socket: &WebSocket, reason: CloseReason) {
    let _ = socket.close(Some(reason.code.as_u16()), Some(reason.reason));
}

/// Answers the close frame of the client with its own code. The runtime never does that for a hibernatable
/// socket, whatever the compatibility date: the client would wait for seconds, and then see 1006.
pub(super) fn answer_close(socket: &WebSocket, code: usize, reason: &str) {
    let code = u16::try_from(code).unwrap_or(NORMAL_CLOSE);
    // Codes such as 1005, which stands for none, cannot be sent (RFC 6455, section 7.4.1). A socket that this
    // room closed takes no second frame.
    if socket.close(Some(code), Some(reason)).is_err() {
        let _ = socket.close(Some(NORMAL_CLOSE), None::<&str>);
    }
}

/// Saves `socket_state` and sends `frame`, if there is one; closes a socket that fails.
pub(super) fn save_and_send(socket: &WebSocket, socket_state: &SocketState, frame: Option<&ServerFrame>) {
    let saved = socket.serialize_attachment(socket_state);
    let sent = frame.map_or(Ok(()), |frame| socket.send_with_str(frame.to_json()));
    if saved.and(sent).is_err() {
        close(socket, GONE);
    }
}
