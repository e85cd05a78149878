//! Sockets of a room in the runtime.
//!
//! The crate's own methods unwrap, and a panic resets every room of the isolate. This file calls the imports
//! below them, which catch JavaScript exceptions.

use js_sys::{Date, Function, JsString, Reflect, Uint8Array};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::socket::{ClientFrame, ServerFrame};
use serde::Deserialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use worker::worker_sys::ext::WebSocketExt;
use worker::{State, WebSocket, WebSocketRequestResponsePair, web_sys};

use super::close_reason::{CloseReason, GONE};
use super::socket_state::SocketState;

#[wasm_bindgen]
extern "C" {
    /// A socket with what the crates do not bind.
    type RawSocket;

    /// Sends a text of the runtime: the crates would make one of a Rust text for each socket.
    #[wasm_bindgen(method, catch, js_name = send)]
    fn send_text(this: &RawSocket, text: &JsString) -> Result<(), JsValue>;

    /// Bytes that wait for the client; the crates would take a missing property for 0.
    #[wasm_bindgen(method, getter, js_name = bufferedAmount)]
    fn buffered_amount(this: &RawSocket) -> Option<f64>;
}

fn raw(socket: &WebSocket) -> &RawSocket {
    AsRef::<web_sys::WebSocket>::as_ref(socket).unchecked_ref()
}

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

/// Accepts `socket`, whose events come to the room from now on.
pub(super) fn accept(state: &State, socket: &WebSocket) -> worker::Result<()> {
    Ok(state.as_raw().accept_websocket(socket.as_ref())?)
}

/// Stores `socket_state` in the attachment of `socket`. As bytes: an object of the runtime takes ten times as
/// long to write and to read.
pub(super) fn attach(socket: &WebSocket, socket_state: &SocketState) -> worker::Result<()> {
    let bytes = Uint8Array::from(serde_json::to_vec(socket_state)?.as_slice());
    let raw: &web_sys::WebSocket = socket.as_ref();
    Ok(raw.serialize_attachment(bytes.into())?)
}

/// The state in the attachment of `socket`, unless another version of this code wrote it.
pub(super) fn attachment(socket: &WebSocket) -> Option<SocketState> {
    let raw: &web_sys::WebSocket = socket.as_ref();
    let bytes: Uint8Array = raw.deserialize_attachment().ok()?.dyn_into().ok()?;
    serde_json::from_slice(&bytes.to_vec()).ok()
}

/// The open sockets with their states. A socket whose state cannot be read is closed: its device reconnects.
pub(super) fn open(state: &State) -> worker::Result<Vec<(WebSocket, SocketState)>> {
    let sockets = state.as_raw().get_websockets()?.into_iter().map(WebSocket::from);
    let with_state = |socket: WebSocket| {
        let socket_state = attachment(&socket);
        if socket_state.is_none() {
            close(&socket, GONE);
        }
        Some((socket, socket_state?))
    };
    Ok(sockets.filter(is_open).filter_map(with_state).collect())
}

/// Whether neither side has closed `socket`.
pub(super) fn is_open(socket: &WebSocket) -> bool {
    let raw: &web_sys::WebSocket = socket.as_ref();
    raw.ready_state() == web_sys::WebSocket::OPEN
}

/// Whether both are the same object of the runtime.
pub(super) fn is_same(one: &WebSocket, other: &WebSocket) -> bool {
    AsRef::<web_sys::WebSocket>::as_ref(one) == AsRef::<web_sys::WebSocket>::as_ref(other)
}

/// Sends `text` to the client.
pub(super) fn send(socket: &WebSocket, text: &JsString) -> worker::Result<()> {
    Ok(raw(socket).send_text(text)?)
}

/// Bytes that the runtime holds for the client; `None` on a runtime that does not tell.
pub(super) fn waiting_bytes(socket: &WebSocket) -> Option<u64> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of bytes")]
    raw(socket).buffered_amount().map(|bytes| bytes as u64)
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
