//! Stores who comes and goes, and tells the hub and Redis, one batch after the other: after a deployment or a
//! failure of a network, a thousand devices come or go at once. None of it delays the room.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use protocol::ids::Room;
use protocol::wire::socket::PresenceFrame;
use worker::{Env, State, Storage, console_error};

use super::call::RelayedToHub;
use super::presence::Changes;
use super::{last_seen, presence_store, relay};
use crate::clock;
use crate::state::AppState;

/// What has happened and was not passed on yet, in the order in which it happened.
#[derive(Default)]
pub(super) struct PresenceQueue {
    waiting: RefCell<Vec<(Changes, Vec<PresenceFrame>)>>,
    is_passing: Cell<bool>,
}

impl PresenceQueue {
    /// Passes on `changes`, whose `frames` the sockets of the room have got.
    pub(super) fn add(
        self: &Rc<Self>,
        state: &State,
        env: &Env,
        changes: Changes,
        frames: Vec<PresenceFrame>,
    ) {
        self.waiting.borrow_mut().push((changes, frames));
        if !self.is_passing.replace(true) {
            state.wait_until(Rc::clone(self).pass_all(state.storage(), env.clone()));
        }
    }

    /// Passes on until nothing waits.
    async fn pass_all(self: Rc<Self>, storage: Storage, env: Env) {
        loop {
            let waiting = self.waiting.take();
            if waiting.is_empty() {
                return self.is_passing.set(false);
            }
            let mut frames = Vec::new();
            let mut all = Changes::default();
            for (changes, of_changes) in waiting {
                frames.extend(of_changes);
                all.append(changes);
            }
            if let Err(error) = store(&storage, &all).await {
                // A device may be announced again, or its leave be lost with the memory.
                console_error!("room: failed to store which devices were announced: {error}");
            }
            tell(&env, frames, &all).await;
        }
    }
}

async fn store(storage: &Storage, changes: &Changes) -> worker::Result<()> {
    presence_store::add(storage, &changes.joined).await?;
    presence_store::remove(storage, &changes.left).await
}

/// Tells the hub, and Redis when devices were seen last.
async fn tell(env: &Env, frames: Vec<PresenceFrame>, changes: &Changes) {
    let Some(room) = frames.first().and_then(|frame| frame.room.parse::<Room>().ok()) else { return };
    let body = serde_json::to_vec(&RelayedToHub { publications: Vec::new(), presence: frames });
    if let Err(error) = relay(env, &room.client, &body.unwrap_or_default()).await {
        console_error!("room {room}: failed to tell the hub who is online: {error}");
    }
    let (Ok(state), false) = (AppState::of(env), changes.left.is_empty()) else { return };
    if let Err(error) = last_seen::note(&state, &room, &changes.left, clock::now()).await {
        console_error!("room {room}: failed to note when devices were seen last: {error}");
    }
}
