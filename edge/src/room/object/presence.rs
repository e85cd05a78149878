//! How a room announces its devices, and says which are online.

use std::rc::Rc;

use protocol::ids;
use protocol::timestamp::Timestamp;
use protocol::wire::socket::{PresenceFrame, ServerFrame};
use worker::{Response, console_error};

use super::Room;
use crate::clock;
use crate::room::open_sockets::OpenSocket;
use crate::room::presence::{AnnouncedDevices, Changes};
use crate::room::presence_store;
use crate::room::socket_state::{self, SocketState};

impl Room {
    /// Announces the device of a new socket, unless the room knows it. `others` are the sockets before.
    pub(super) async fn announce(&self, others: &[Rc<OpenSocket>], socket: &OpenSocket) {
        if socket.state().announced().is_none() {
            return;
        }
        if let Some(changes) = self.noted(|announced| announced.connected(&socket.state())).await {
            self.tell(changes, others, clock::now());
        }
    }

    /// Notes that `closed` has ended beside the `open` sockets. Returns the time of the next leave.
    pub(super) async fn note_close(
        &self,
        closed: &SocketState,
        open: &[Rc<OpenSocket>],
        now: Timestamp,
    ) -> Option<Timestamp> {
        closed.announced()?;
        self.noted(|announced| {
            let states: Vec<_> = open.iter().map(|socket| socket.state()).collect();
            announced.closed(closed, states.iter().map(|state| &**state), now);
            announced.next_leave()
        })
        .await?
    }

    /// Announces what has changed with the `open` sockets. Returns the time of the next leave.
    pub(super) async fn check_presence(&self, open: &[Rc<OpenSocket>], now: Timestamp) -> Option<Timestamp> {
        // A hub knows no devices of its own.
        if !open.is_empty() && open.iter().all(|socket| socket.state().announced().is_none()) {
            return None;
        }
        let check = |announced: &mut AnnouncedDevices| {
            let states: Vec<_> = open.iter().map(|socket| socket.state()).collect();
            (announced.check(states.iter().map(|state| &**state), now), announced.next_leave())
        };
        let (changes, next_leave) = self.noted(check).await?;
        self.tell(changes, open, now);
        next_leave
    }

    /// Which devices are online.
    pub(super) fn online(&self) -> worker::Result<Response> {
        let sockets = self.sockets.all(&self.state)?;
        let states: Vec<_> = sockets.iter().map(|socket| socket.state()).collect();
        Response::from_json(&socket_state::online(states.iter().map(|state| &**state)))
    }

    /// What `note` finds, in the devices that were announced; `None` if they cannot be read.
    async fn noted<T>(&self, note: impl FnOnce(&mut AnnouncedDevices) -> T) -> Option<T> {
        if self.announced.borrow().is_none() {
            match presence_store::load(&self.state).await {
                Ok(announced) => {
                    // Another event may have read them meanwhile, and changed them since.
                    self.announced.borrow_mut().get_or_insert(announced);
                }
                Err(error) => {
                    console_error!("room: failed to read which devices were announced: {error}");
                    return None;
                }
            }
        }
        self.announced.borrow_mut().as_mut().map(note)
    }

    fn tell(&self, changes: Changes, sockets: &[Rc<OpenSocket>], now: Timestamp) {
        if changes == Changes::default() {
            return;
        }
        let joined = changes.joined.iter().map(|device| device.frame(true, now));
        let left = changes.left.iter();
        let left = left.map(|device| device.frame(false, device.ended_at.unwrap_or(now)));
        let frames: Vec<PresenceFrame> = joined.chain(left).collect();
        self.unchecked.add(self.send_presence(&frames, sockets, now));
        self.presence_queue.add(&self.state, &self.env, changes, frames);
    }

    /// Sends `frames` to the sockets that should get them. Returns the bytes that were sent to one socket at
    /// most.
    pub(super) fn send_presence(
        &self,
        frames: &[PresenceFrame],
        sockets: &[Rc<OpenSocket>],
        now: Timestamp,
    ) -> usize {
        let mut bytes = 0;
        for frame in frames {
            let Ok(room) = frame.room.parse::<ids::Room>() else { continue };
            let text = ServerFrame::Presence(frame.clone()).to_json();
            bytes += text.len();
            let text = text.into();
            for socket in sockets.iter().filter(|socket| socket.is_open()) {
                if socket.state().should_tell(frame, &room, now) {
                    socket.send(&text);
                }
            }
        }
        bytes
    }
}
