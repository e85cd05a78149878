//! A write's turn in its room: taken before the write is forwarded, given back after its response.
//!
//! A room that does not answer stops no write: it goes on without a turn, and HEAD's condition decides.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use protocol::ids::Room;
use protocol::limits::WRITE_WAIT_MILLIS;
use worker::{Delay, Env, console_error};

use super::turn_call::{GRANTED, QUEUED, REFUSED, TurnCall};
use super::write_queue::Write;
use super::{RoomError, accepted, ask};
use crate::request_id::RequestId;

/// How long a room may take to say whether a write has its turn or must wait: more than a distant room needs
/// to start.
const ANSWER_BOUND: Duration = Duration::from_secs(1);
/// How long a room may hold a write that waits; the room itself answers a second earlier.
const WAIT_BOUND: Duration = Duration::from_millis(WRITE_WAIT_MILLIS + 1000);
/// How long a write may wait for its turn in all.
pub(crate) const TURN_BOUND: Duration = ANSWER_BOUND.saturating_add(WAIT_BOUND);

/// The queue of the room, or the sender's part of it, is full.
#[derive(Debug)]
pub(crate) struct TurnRefused;

/// A write's turn, or its place in a queue that did not answer. It must be given back in both cases: the room
/// may have the write in its queue, and the lease of a turn takes seconds.
#[derive(Debug)]
pub(crate) struct WriteTurn {
    pub(super) room: Room,
    pub(super) id: RequestId,
}

impl WriteTurn {
    /// Takes a turn in `room` for the write of the request `id`. `sender` is its session or user.
    pub(crate) async fn take(
        env: &Env,
        room: Room,
        sender: &str,
        id: &RequestId,
    ) -> Result<WriteTurn, TurnRefused> {
        let write = Write { id: id.to_string(), sender: sender.to_owned() };
        let mut status = within(ANSWER_BOUND, ask(env, &room, TurnCall::Enter(write))).await;
        if let Ok(QUEUED) = status {
            status = within(WAIT_BOUND, ask(env, &room, TurnCall::Wait(id.to_string()))).await;
        }
        match status {
            Ok(GRANTED) => {}
            Ok(REFUSED) => return Err(TurnRefused),
            Ok(status) => console_error!("{id} goes on without a turn: the room {room} answered {status}"),
            Err(error) => console_error!("{id} goes on without a turn in {room}: {error}"),
        }
        Ok(WriteTurn { room, id: id.clone() })
    }

    /// Gives the turn to the next write.
    pub(crate) async fn give_back(self, env: &Env) {
        let WriteTurn { room, id } = self;
        if let Err(error) = ask(env, &room, TurnCall::Leave(id.to_string())).await.and_then(accepted) {
            // The lease ends the turn.
            console_error!("{id} could not give back its turn in {room}: {error}");
        }
    }
}

/// The result of `call`, unless it takes longer than `bound`.
async fn within(
    bound: Duration,
    call: impl Future<Output = Result<u16, RoomError>>,
) -> Result<u16, RoomError> {
    match select(pin!(call), pin!(Delay::from(bound))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(RoomError::Late),
    }
}
