//! How a room answers calls about turns.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use protocol::limits::WRITE_WAIT_MILLIS;
use protocol::wire::push_group::{GroupedResponse, PushGroup};
use serde::Serialize;
use worker::Delay;

use super::call::ACCEPTED;
use super::turn_call::{ANSWERED, GRANTED, QUEUED, REFUSED, TurnCall, UNKNOWN};
use super::write_queue::{Entry, WaitState, WaitingPush, Wake, WriteQueue, after};
use crate::clock;

/// The answer to a call about a turn.
pub(super) struct TurnResponse {
    pub(super) status: u16,
    /// Of [`GRANTED`] to a write that waited: the [`PushGroup`] that it takes along. Of [`ANSWERED`]: the
    /// [`GroupedResponse`]. Otherwise empty.
    pub(super) body: String,
}

/// Answers `call`, whose body is `body`. No borrow of `queue` lives across an await.
pub(super) async fn answer(queue: &RefCell<WriteQueue>, call: TurnCall, body: &[u8]) -> TurnResponse {
    match call {
        TurnCall::Enter(write) => status(match queue.borrow_mut().enter(write, clock::now()) {
            Entry::Granted => GRANTED,
            Entry::Queued => QUEUED,
            Entry::Refused => REFUSED,
        }),
        TurnCall::Wait(id) => {
            // Empty for a write that is pushed alone.
            if let Ok(push) = serde_json::from_slice::<WaitingPush>(body) {
                queue.borrow_mut().offer(&id, push);
            }
            wait(queue, &id).await
        }
        TurnCall::Leave(id) => {
            queue.borrow_mut().leave(&id, clock::now());
            status(ACCEPTED)
        }
        TurnCall::Lose(id) => {
            queue.borrow_mut().lose(&id, clock::now());
            status(ACCEPTED)
        }
    }
}

async fn wait(queue: &RefCell<WriteQueue>, id: &str) -> TurnResponse {
    let deadline = after(clock::now(), WRITE_WAIT_MILLIS);
    loop {
        let now = clock::now();
        let place = queue.borrow_mut().wait(id, now);
        let (wake, expires_at) = match place {
            WaitState::Granted => return granted(queue, id),
            WaitState::Unknown => {
                queue.borrow_mut().lose(id, now);
                return status(UNKNOWN);
            }
            WaitState::Waiting { wake, expires_at } => (wake, expires_at),
        };
        if now >= deadline {
            queue.borrow_mut().lose(id, now);
            return status(UNKNOWN);
        }
        // Until the turn comes, or the turn of a lost holder is over. The next round tells which it was.
        let pause = Duration::from_micros(expires_at.min(deadline).0.saturating_sub(now.0));
        let timer = pin!(Delay::from(pause + Duration::from_millis(1)));
        if let Either::Left((Ok(Wake::Answer(answer)), _)) = select(wake, timer).await {
            return answered(&answer);
        }
    }
}

fn granted(queue: &RefCell<WriteQueue>, id: &str) -> TurnResponse {
    let pushes = queue.borrow_mut().take_along(id);
    with_body(GRANTED, &PushGroup { pushes })
}

fn answered(answer: &GroupedResponse) -> TurnResponse {
    with_body(ANSWERED, answer)
}

fn with_body(status: u16, body: &impl Serialize) -> TurnResponse {
    // Texts always serialise. Without a body, the write goes on alone.
    TurnResponse { status, body: serde_json::to_string(body).unwrap_or_default() }
}

fn status(status: u16) -> TurnResponse {
    TurnResponse { status, body: String::new() }
}
