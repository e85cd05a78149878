//! The calls about turns, and their encoding.

use super::write_queue::Write;
use crate::query;

/// The write has the turn; the body lists the pushes that it takes along.
pub(super) const GRANTED: u16 = 200;
/// The write was pushed together with others; the body has its answer.
pub(super) const ANSWERED: u16 = 203;
/// The write has a place in the queue: call [`TurnCall::Wait`].
pub(super) const QUEUED: u16 = 202;
/// The write has no place in the queue.
pub(super) const UNKNOWN: u16 = 404;
/// The queue, or the sender's part of it, is full.
pub(super) const REFUSED: u16 = 429;

/// A call about the turn of a write. Each names the write by the id of its request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TurnCall {
    /// Adds a write to the queue; answered at once.
    Enter(Write),
    /// Waits for the turn; answered when it comes. A push that may be committed together with others is the
    /// body.
    Wait(String),
    /// Ends the turn, or gives up the place.
    Leave(String),
    /// The same for a write that may still be under way.
    Lose(String),
}

const PREFIX: &str = "/turn/";

impl TurnCall {
    /// Path and query of the call.
    pub(super) fn target(&self) -> String {
        let (name, pairs) = match self {
            TurnCall::Enter(write) => {
                ("enter", query::write([("id", &*write.id), ("sender", &write.sender)]))
            }
            TurnCall::Wait(id) => ("wait", query::write([("id", &**id)])),
            TurnCall::Leave(id) => ("leave", query::write([("id", &**id)])),
            TurnCall::Lose(id) => ("lose", query::write([("id", &**id)])),
        };
        format!("{PREFIX}{name}?{pairs}")
    }

    /// Parses a call; `None` for anything else.
    pub(super) fn parse(path: &str, url_query: &str) -> Option<TurnCall> {
        let name = path.strip_prefix(PREFIX)?;
        let id = query::value(url_query, "id")?;
        match name {
            "enter" => Some(TurnCall::Enter(Write { id, sender: query::value(url_query, "sender")? })),
            "wait" => Some(TurnCall::Wait(id)),
            "leave" => Some(TurnCall::Leave(id)),
            "lose" => Some(TurnCall::Lose(id)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_survive_encoding() {
        let sender = "user ü&id=2".to_owned();
        for call in [
            TurnCall::Enter(Write { id: "7f".into(), sender }),
            TurnCall::Wait("7f".into()),
            TurnCall::Leave("7f".into()),
            TurnCall::Lose("7f".into()),
        ] {
            let target = call.target();
            let (path, url_query) = target.split_once('?').unwrap();
            assert_eq!(TurnCall::parse(path, url_query), Some(call));
        }
        for (path, url_query) in [("/turn/enter", "id=1"), ("/turn/wait", ""), ("/turn/go", "id=1")] {
            assert_eq!(TurnCall::parse(path, url_query), None, "{path}");
        }
    }
}
