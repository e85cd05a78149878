//! A write's turn in its room: taken before the write is forwarded, given back after its response.
//!
//! A room that does not answer stops no write: it goes on without a turn, and HEAD's condition decides.

use std::time::Duration;

use protocol::ids::Room;
use protocol::limits::WRITE_WAIT_MILLIS;
use protocol::wire::push_group::{GroupedPush, GroupedResponse, PushGroup};
use worker::{Env, console_error};

use super::turn_call::{ANSWERED, GRANTED, QUEUED, REFUSED, TurnCall};
use super::write_queue::{WaitingPush, Write};
use super::{CALL_BOUND, accepted, ask};
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

/// How the wait of a write ends.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The write goes on.
    Own(WriteTurn),
    /// The push was committed together with others.
    Answered(GroupedResponse),
}

/// A write's turn, or its place in a queue that did not answer. It must be given back in both cases: the room
/// may have the write in its queue, and the lease of a turn takes seconds.
#[derive(Debug)]
pub(crate) struct WriteTurn {
    pub(super) room: Room,
    pub(super) id: RequestId,
    /// The own push and, after it, those to push together with it; empty if there are none.
    pub(crate) group: Vec<GroupedPush>,
}

impl WriteTurn {
    /// Takes a turn in `room` for the write of the request `id`. `sender` is its session or user. A write
    /// that must wait may be the push that `offer` returns, which is then committed together with others.
    pub(crate) async fn take(
        env: &Env,
        room: Room,
        sender: &str,
        id: &RequestId,
        offer: impl FnOnce() -> Option<WaitingPush>,
    ) -> Result<Turn, TurnRefused> {
        let write = Write { id: id.to_string(), sender: sender.to_owned() };
        let mut result = ask(env, &room, TurnCall::Enter(write), &[], ANSWER_BOUND).await;
        let mut own = None;
        if let Ok((QUEUED, _)) = result {
            own = offer();
            let body = own.as_ref().and_then(|push| serde_json::to_vec(push).ok()).unwrap_or_default();
            result = ask(env, &room, TurnCall::Wait(id.to_string()), &body, WAIT_BOUND).await;
        }
        let mut group = Vec::new();
        match result {
            Ok((GRANTED, body)) => group = with_own(own, &body),
            Ok((ANSWERED, body)) => match serde_json::from_slice(&body) {
                Ok(answer) => return Ok(Turn::Answered(answer)),
                // Its marker has the answer.
                Err(error) => console_error!("{id} cannot read its answer from the room {room}: {error}"),
            },
            Ok((REFUSED, _)) => return Err(TurnRefused),
            Ok((status, _)) => {
                console_error!("{id} goes on without a turn: the room {room} answered {status}");
            }
            Err(error) => console_error!("{id} goes on without a turn in {room}: {error}"),
        }
        Ok(Turn::Own(WriteTurn { room, id: id.clone(), group }))
    }

    /// The room of the turn.
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Gives the turn to the next write. Pushes that this one took along are pushed alone. `is_over` says
    /// that this write has surely ended without a commit.
    pub(crate) async fn give_back(self, env: &Env, is_over: bool) {
        let WriteTurn { room, id, .. } = self;
        let call = if is_over { TurnCall::Leave } else { TurnCall::Lose };
        let result = ask(env, &room, call(id.to_string()), &[], CALL_BOUND).await;
        if let Err(error) = result.and_then(|(status, _)| accepted(status)) {
            // The lease ends the turn.
            console_error!("{id} could not give back its turn in {room}: {error}");
        }
    }
}

/// The own push and those of the group in `body`; empty if there are no others.
fn with_own(own: Option<WaitingPush>, body: &[u8]) -> Vec<GroupedPush> {
    let others = serde_json::from_slice::<PushGroup>(body).unwrap_or_default().pushes;
    match own {
        Some(own) if !others.is_empty() => [own.push].into_iter().chain(others).collect(),
        _ => Vec::new(),
    }
}
