//! How a room answers calls about turns.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use protocol::limits::WRITE_WAIT_MILLIS;
use worker::Delay;

use super::call::ACCEPTED;
use super::turn_call::{GRANTED, QUEUED, REFUSED, TurnCall, UNKNOWN};
use super::write_queue::{Entry, WaitState, WriteQueue, after};
use crate::clock;

/// Answers `call` with a status. No borrow of `queue` lives across an await.
pub(super) async fn answer(queue: &RefCell<WriteQueue>, call: TurnCall) -> u16 {
    match call {
        TurnCall::Enter(write) => match queue.borrow_mut().enter(write, clock::now()) {
            Entry::Granted => GRANTED,
            Entry::Queued => QUEUED,
            Entry::Refused => REFUSED,
        },
        TurnCall::Wait(id) => wait(queue, &id).await,
        TurnCall::Leave(id) => {
            queue.borrow_mut().leave(&id, clock::now());
            ACCEPTED
        }
    }
}

async fn wait(queue: &RefCell<WriteQueue>, id: &str) -> u16 {
    let deadline = after(clock::now(), WRITE_WAIT_MILLIS);
    loop {
        let now = clock::now();
        let place = queue.borrow_mut().wait(id, now);
        let (turn, expires_at) = match place {
            WaitState::Granted => return GRANTED,
            WaitState::Unknown => return UNKNOWN,
            WaitState::Waiting { turn, expires_at } => (turn, expires_at),
        };
        if now >= deadline {
            queue.borrow_mut().leave(id, now);
            return UNKNOWN;
        }
        // Until the turn comes, or the turn of a lost holder is over. The next round tells which it was.
        let pause = Duration::from_micros(expires_at.min(deadline).0.saturating_sub(now.0));
        select(turn, pin!(Delay::from(pause + Duration::from_millis(1)))).await;
    }
}
