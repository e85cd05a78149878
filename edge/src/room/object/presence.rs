//! How a room announces its devices, and says which are online.

use protocol::ids;
use protocol::timestamp::Timestamp;
use protocol::wire::socket::{PresenceFrame, ServerFrame};
use worker::{Response, WebSocket, console_error};

use super::Room;
use crate::clock;
use crate::room::call::RelayedToHub;
use crate::room::close_reason::GONE;
use crate::room::presence::{AnnouncedDevice, AnnouncedDevices, Changes};
use crate::room::socket_state::{self, SocketState};
use crate::room::{last_seen, presence_store, relay, sockets};
use crate::state::AppState;

impl Room {
    /// Announces the device of a new socket, unless the room knows it. `others` are the sockets before.
    pub(super) async fn announce(&self, others: &[(WebSocket, SocketState)], socket: &SocketState) {
        if socket.announced().is_none() {
            return;
        }
        if let Some(changes) = self.noted(|announced| announced.connected(socket)).await {
            self.tell(changes, others, clock::now()).await;
        }
    }

    /// Announces what has changed with the `open` sockets. Returns the time of the next leave.
    pub(super) async fn check_presence(
        &self,
        open: &[(WebSocket, SocketState)],
        now: Timestamp,
    ) -> Option<Timestamp> {
        let states = || open.iter().map(|(_, state)| state);
        // A hub knows no devices of its own.
        if !open.is_empty() && states().all(|state| state.announced().is_none()) {
            return None;
        }
        let changes = self.noted(|announced| announced.check(states(), now)).await?;
        self.tell(changes, open, now).await;
        self.announced.borrow().as_ref()?.next_leave()
    }

    /// Which devices are online.
    pub(super) fn online(&self) -> worker::Result<Response> {
        let states: Vec<_> = sockets::open(&self.state)?.into_iter().map(|(_, state)| state).collect();
        Response::from_json(&socket_state::online(&states))
    }

    /// What `note` finds, in the devices that were announced; `None` if they cannot be read.
    async fn noted(&self, note: impl FnOnce(&mut AnnouncedDevices) -> Changes) -> Option<Changes> {
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

    async fn tell(&self, changes: Changes, sockets: &[(WebSocket, SocketState)], now: Timestamp) {
        if changes == Changes::default() {
            return;
        }
        let joined = changes.joined.iter().map(|device| device.frame(true, now));
        let left = changes.left.iter();
        let left = left.map(|device| device.frame(false, device.ended_at.unwrap_or(now)));
        let frames: Vec<PresenceFrame> = joined.chain(left).collect();
        self.send_presence(&frames, sockets, now);
        if let Err(error) = presence_store::save(&self.state, &changes).await {
            // A device may be announced again, or its leave be lost with the memory.
            console_error!("room: failed to store which devices were announced: {error}");
        }
        self.after_presence(frames, changes.left);
    }

    /// Sends `frames` to the sockets that should get them.
    pub(super) fn send_presence(
        &self,
        frames: &[PresenceFrame],
        sockets: &[(WebSocket, SocketState)],
        now: Timestamp,
    ) {
        for frame in frames {
            let Ok(room) = frame.room.parse::<ids::Room>() else { continue };
            let text = ServerFrame::Presence(frame.clone()).to_json();
            for (socket, state) in sockets {
                if state.should_tell(frame, &room, now) && socket.send_with_str(&text).is_err() {
                    sockets::close(socket, GONE);
                }
            }
        }
    }

    /// Tells the hub, and Redis when devices were seen last. Neither delays the room.
    fn after_presence(&self, frames: Vec<PresenceFrame>, left: Vec<AnnouncedDevice>) {
        let room = frames.first().and_then(|frame| frame.room.parse::<ids::Room>().ok());
        let Some(room) = room else { return };
        let env = self.env.clone();
        self.state.wait_until(async move {
            let body = serde_json::to_vec(&RelayedToHub { publications: Vec::new(), presence: frames });
            if let Err(error) = relay(&env, &room.client, &body.unwrap_or_default()).await {
                console_error!("room {room}: failed to tell the hub who is online: {error}");
            }
            let (Ok(state), false) = (AppState::of(&env), left.is_empty()) else { return };
            if let Err(error) = last_seen::note(&state, &room, &left, clock::now()).await {
                console_error!("room {room}: failed to note when devices were seen last: {error}");
            }
        });
    }
}
