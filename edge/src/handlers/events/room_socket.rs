//! The worker's end of a socket to a room.
//!
//! The crate's stream of events panics where it cannot remove its listeners, and a panic resets every room of
//! the isolate. This file registers its own.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;

use protocol::wire::close_code::CloseCode;
use protocol::wire::socket::{ClientFrame, ServerFrame};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use worker::web_sys::{self, CloseEvent, MessageEvent};
use worker::{WebSocket, console_error};

use super::follower::close_event;
use super::inbox::{Inbox, Received};
use crate::clock;

/// The code of a close that no error caused (RFC 6455).
const NORMAL_CLOSE: u16 = 1000;

pub(super) struct RoomSocket {
    socket: web_sys::WebSocket,
    inbox: Rc<RefCell<Inbox>>,
    on_message: Closure<dyn FnMut(MessageEvent)>,
    on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl RoomSocket {
    /// Accepts `socket` and begins to listen. Closes it when the client does not read for `silence_secs`:
    /// otherwise the room would count the device as online, and the worker keep its frames.
    pub(super) fn new(socket: &WebSocket, silence_secs: u64) -> worker::Result<RoomSocket> {
        let inbox = Rc::new(RefCell::new(Inbox::new(clock::now())));
        let socket_of_room: web_sys::WebSocket = AsRef::<web_sys::WebSocket>::as_ref(socket).clone();
        let (to, answering) = (inbox.clone(), socket.clone());
        let on_message = move |event: MessageEvent| {
            let Some(frame) = event.data().as_string() else { return };
            if !to.borrow().is_read(silence_secs, clock::now()) {
                to.borrow_mut().give_up(close_event(CloseCode::Behind.as_u16(), "pull"));
                let _ = AsRef::<web_sys::WebSocket>::as_ref(&answering).close_with_code(NORMAL_CLOSE);
            } else if frame == ServerFrame::Ping.to_json() {
                send(&answering, &ClientFrame::Pong);
            } else {
                to.borrow_mut().add(frame, clock::now());
            }
        };
        let to = inbox.clone();
        let on_close = move |event: CloseEvent| {
            let is_ours = CloseCode::ALL.iter().any(|code| code.as_u16() == event.code());
            // Another code is of a lost connection, of which the client need not know.
            let told = if is_ours { close_event(event.code(), &event.reason()) } else { String::new() };
            to.borrow_mut().close(told);
        };
        let opened = RoomSocket {
            socket: socket_of_room,
            inbox,
            on_message: Closure::new(on_message),
            on_close: Closure::new(on_close),
        };
        opened.listen("message", &opened.on_message)?;
        opened.listen("close", &opened.on_close)?;
        socket.accept()?;
        Ok(opened)
    }

    fn listen<T: ?Sized>(&self, event: &str, listener: &Closure<T>) -> worker::Result<()> {
        Ok(self.socket.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref())?)
    }

    /// Waits for what the room sends. After a close it returns at once.
    pub(super) async fn next(&self) -> Received {
        poll_fn(|task| self.inbox.borrow_mut().poll(task.waker(), clock::now())).await
    }

    /// Notes that the client is handed a text.
    pub(super) fn hand_over(&self) {
        self.inbox.borrow_mut().hand_over(clock::now());
    }

    /// Asks for the head, which the runtime answers.
    pub(super) fn ping(&self) {
        send(&WebSocket::from(self.socket.clone()), &ClientFrame::Ping);
    }
}

/// Sends `frame`. A socket that fails has a close event.
fn send(socket: &WebSocket, frame: &ClientFrame) {
    let text = serde_json::to_string(frame).unwrap_or_default();
    if let Err(error) = socket.send_with_str(text) {
        console_error!("failed to send to a room: {error}");
    }
}

impl Drop for RoomSocket {
    fn drop(&mut self) {
        // The runtime may have closed it, or may have ended the request that it belongs to.
        let (message, close) = (self.on_message.as_ref(), self.on_close.as_ref());
        let _ = self.socket.remove_event_listener_with_callback("message", message.unchecked_ref());
        let _ = self.socket.remove_event_listener_with_callback("close", close.unchecked_ref());
        let _ = self.socket.close_with_code(NORMAL_CLOSE);
    }
}
