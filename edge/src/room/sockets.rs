//! The runtime's side of a room's sockets.
//!
//! The crate's own methods for this unwrap, and a panic resets every room of the isolate. What is called
//! here are the imports below them, which catch what JavaScript throws.

use js_sys::{Date, Function, Reflect};
use protocol::timestamp::Timestamp;
use protocol::wire::socket::{ClientFrame, ServerFrame};
use wasm_bindgen::{JsCast, JsValue};
use worker::{State, WebSocket, WebSocketRequestResponsePair, web_sys};

use super::seat::Seat;
use super::watch::Farewell;

/// The socket cannot be used any longer; come back at once.
pub(super) const GONE: Farewell = Farewell { code: 4500, reason: "connection lost" };

/// Has the runtime answer `{"type":"ping"}` by itself, which neither wakes the object nor costs anything.
pub(super) fn answer_pings(state: &State) -> worker::Result<()> {
    // Word for word: other spellings of the same frame wake the object and are answered there.
    let ping = serde_json::to_string(&ClientFrame::Ping)?;
    let pair = WebSocketRequestResponsePair::new(&ping, &ServerFrame::Pong.to_json())?;
    Ok(state.as_raw().set_websocket_auto_response(&pair)?)
}

/// Takes `socket` into the room, at `seat`.
pub(super) fn accept(state: &State, socket: &WebSocket, seat: &Seat) -> worker::Result<()> {
    state.as_raw().accept_websocket(socket.as_ref())?;
    socket.serialize_attachment(seat)
}

/// The room's sockets that are open, with their seats. One without a seat that can be read, left behind by
/// another version of this code, is closed: its device comes back and is seated anew.
pub(super) fn open(state: &State) -> worker::Result<Vec<(WebSocket, Seat)>> {
    let sockets = state.as_raw().get_websockets()?.into_iter();
    let is_open = |socket: &web_sys::WebSocket| socket.ready_state() == web_sys::WebSocket::OPEN;
    let seated = |socket: web_sys::WebSocket| {
        let socket = WebSocket::from(socket);
        let seat = seat(&socket)?;
        Some((socket, seat))
    };
    Ok(sockets.filter(is_open).filter_map(seated).collect())
}

/// The seat of `socket`; closes it if it has none.
pub(super) fn seat(socket: &WebSocket) -> Option<Seat> {
    let seat = socket.deserialize_attachment().ok().flatten();
    if seat.is_none() {
        close(socket, GONE);
    }
    seat
}

/// When the runtime last answered a ping of `socket` by itself. The crate does not bind this method.
pub(super) fn last_automatic_pong(state: &State, socket: &WebSocket) -> Option<Timestamp> {
    let method =
        Reflect::get(state.as_raw(), &JsValue::from_str("getWebSocketAutoResponseTimestamp")).ok()?;
    let raw: &web_sys::WebSocket = socket.as_ref();
    let date = method.dyn_ref::<Function>()?.call1(state.as_raw(), raw).ok()?;
    let date = worker::Date::from(date.dyn_into::<Date>().ok()?);
    Some(Timestamp(date.as_millis().saturating_mul(1000)))
}

/// Says goodbye. One that is closed already throws; it is what was wanted.
pub(super) fn close(socket: &WebSocket, farewell: Farewell) {
    let _ = socket.close(Some(farewell.code), Some(farewell.reason));
}
