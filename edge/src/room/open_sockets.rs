//! The open sockets of a room, with their states in memory.
//!
//! Sockets and their attachments outlive the memory of the room. Reading those of a thousand sockets takes
//! milliseconds, so they are read once after the room has lost its memory, and written at each change.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use js_sys::JsString;
use protocol::wire::socket::ServerFrame;
use worker::{State, WebSocket};

use super::close_reason::{CloseReason, GONE};
use super::socket_state::SocketState;
use super::sockets;

pub(super) struct OpenSocket {
    socket: WebSocket,
    state: RefCell<SocketState>,
    is_closed: Cell<bool>,
}

impl OpenSocket {
    fn new(socket: WebSocket, state: SocketState) -> Rc<OpenSocket> {
        Rc::new(OpenSocket { socket, state: RefCell::new(state), is_closed: Cell::new(false) })
    }

    /// Its state. No borrow may live across an await.
    pub(super) fn state(&self) -> Ref<'_, SocketState> {
        self.state.borrow()
    }

    /// Its state for a change, which [`OpenSocket::save`] makes outlive the memory of the room.
    pub(super) fn state_mut(&self) -> RefMut<'_, SocketState> {
        self.state.borrow_mut()
    }

    /// The socket in the runtime.
    pub(super) fn raw(&self) -> &WebSocket {
        &self.socket
    }

    /// Whether this room has not closed it. Frames that were on their way still arrive after a close.
    pub(super) fn is_open(&self) -> bool {
        !self.is_closed.get()
    }

    pub(super) fn close(&self, reason: CloseReason) {
        if !self.is_closed.replace(true) {
            sockets::close(&self.socket, reason);
        }
    }

    /// Stores its state; closes a socket that fails.
    pub(super) fn save(&self) {
        if sockets::attach(&self.socket, &self.state()).is_err() {
            self.close(GONE);
        }
    }

    /// Sends `text`; closes a socket that fails. Returns whether it was sent.
    pub(super) fn send(&self, text: &JsString) -> bool {
        let is_sent = sockets::send(&self.socket, text).is_ok();
        if !is_sent {
            self.close(GONE);
        }
        is_sent
    }

    pub(super) fn send_frame(&self, frame: &ServerFrame) {
        self.send(&frame.to_json().into());
    }
}

/// The sockets of one room; `None` until they are read.
#[derive(Default)]
pub(super) struct OpenSockets(RefCell<Option<Vec<Rc<OpenSocket>>>>);

impl OpenSockets {
    /// All sockets that this room has not closed.
    pub(super) fn all(&self, state: &State) -> worker::Result<Vec<Rc<OpenSocket>>> {
        let is_open = |socket: &&Rc<OpenSocket>| socket.is_open();
        self.with(state, |sockets| sockets.iter().filter(is_open).cloned().collect())
    }

    /// The same, without those whose end was never reported.
    pub(super) fn refreshed(&self, state: &State) -> worker::Result<Vec<Rc<OpenSocket>>> {
        self.with(state, |sockets| {
            sockets.retain(|socket| socket.is_open() && sockets::is_open(&socket.socket));
            sockets.clone()
        })
    }

    /// The socket for which the runtime has an event.
    pub(super) fn find(&self, state: &State, socket: &WebSocket) -> worker::Result<Option<Rc<OpenSocket>>> {
        let found = self.with(state, |sockets| sockets.iter().find(|known| known.is(socket)).cloned())?;
        if found.is_some() || !sockets::is_open(socket) {
            return Ok(found);
        }
        // The runtime may have another object for the same socket: reads all again.
        self.0.take();
        self.with(state, |sockets| sockets.iter().find(|known| known.is(socket)).cloned())
    }

    /// Accepts `socket`.
    pub(super) fn accept(
        &self,
        state: &State,
        socket: WebSocket,
        socket_state: SocketState,
    ) -> worker::Result<Rc<OpenSocket>> {
        self.with(state, |sockets| {
            sockets::accept(state, &socket)?;
            sockets::attach(&socket, &socket_state)?;
            let opened = OpenSocket::new(socket, socket_state);
            sockets.push(Rc::clone(&opened));
            Ok(opened)
        })?
    }

    /// Removes a socket that has ended; returns its state.
    pub(super) fn remove(&self, state: &State, socket: &WebSocket) -> worker::Result<Option<SocketState>> {
        let removed = self.with(state, |sockets| {
            let place = sockets.iter().position(|known| known.is(socket))?;
            Some(sockets.remove(place))
        })?;
        // One that ended while the room had no memory is not among those that are open.
        let of = |removed: Rc<OpenSocket>| removed.state().clone();
        Ok(removed.map(of).or_else(|| sockets::attachment(socket)))
    }

    fn with<T>(&self, state: &State, work: impl FnOnce(&mut Vec<Rc<OpenSocket>>) -> T) -> worker::Result<T> {
        let mut known = self.0.borrow_mut();
        if let Some(sockets) = known.as_mut() {
            return Ok(work(sockets));
        }
        let opened = sockets::open(state)?.into_iter().map(|(socket, state)| OpenSocket::new(socket, state));
        Ok(work(known.insert(opened.collect())))
    }
}

impl OpenSocket {
    fn is(&self, socket: &WebSocket) -> bool {
        sockets::is_same(&self.socket, socket)
    }
}
