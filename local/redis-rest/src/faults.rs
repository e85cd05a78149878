//! Injects faults between a client and the server.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::resp::Reply;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Closes the connection before the request is read; nothing is executed.
    Refuse,
    /// Responds with this status and an error as JSON; nothing is executed.
    Status(u16),
    /// Executes the request and closes the connection without a response.
    LoseResponse,
    /// Executes the request and responds this much later.
    Delay(Duration),
    /// Executes the request and responds when the faults are lifted.
    Hold,
    /// Refuses each command that writes values, as a full Redis does that may not evict; executes the others.
    /// Takes effect only as a lasting fault.
    Full,
}

/// Commands that write values, and scripts, which may. Setting a TTL or removing a key takes no memory.
const TAKES_MEMORY: [&str; 14] = [
    "SET", "MSET", "SETEX", "GETSET", "APPEND", "INCR", "INCRBY", "HSET", "HINCRBY", "LPUSH", "SADD", "ZADD",
    "EVAL", "EVALSHA",
];
/// Redis's own text.
const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";

/// Planned and lasting faults.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
    lifted: Notify,
}

#[derive(Debug, Default)]
struct State {
    planned: VecDeque<(Fault, u32)>,
    lasting: Option<Fault>,
}

impl Faults {
    /// Makes the next `times` requests fail like this, after those that are already planned.
    pub fn inject(&self, fault: Fault, times: u32) {
        if times > 0 {
            self.state().planned.push_back((fault, times));
        }
    }

    /// Makes every request fail like this until the faults are lifted, once the planned ones are used up.
    pub fn begin(&self, fault: Fault) {
        self.state().lasting = Some(fault);
    }

    /// Removes all faults and releases the responses that are held.
    pub fn lift(&self) {
        *self.state() = State::default();
        self.lifted.notify_waiters();
    }

    /// The fault for the next request.
    pub(crate) fn next(&self) -> Option<Fault> {
        let mut state = self.state();
        let Some((fault, left)) = state.planned.front_mut() else { return state.lasting };
        let fault = *fault;
        *left -= 1;
        if *left == 0 {
            state.planned.pop_front();
        }
        Some(fault)
    }

    /// The error for the command called `name` while [`Fault::Full`] lasts.
    pub(crate) fn out_of_memory(&self, name: &str) -> Option<Reply> {
        let full = self.state().lasting == Some(Fault::Full);
        (full && TAKES_MEMORY.contains(&name)).then(|| Reply::error(OUT_OF_MEMORY))
    }

    /// Completes at the first [`lift`](Faults::lift) after this call.
    pub(crate) fn lifted(&self) -> Notified<'_> {
        self.lifted.notified()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock cannot leave the plans half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_faults_come_first_and_lasting_ones_stay() {
        let faults = Faults::default();
        assert_eq!(faults.next(), None);
        faults.begin(Fault::Status(500));
        faults.inject(Fault::Refuse, 2);
        faults.inject(Fault::LoseResponse, 1);
        let next: Vec<_> = std::iter::repeat_with(|| faults.next()).take(5).flatten().collect();
        let lasting = Fault::Status(500);
        assert_eq!(next, [Fault::Refuse, Fault::Refuse, Fault::LoseResponse, lasting, lasting]);
        faults.lift();
        assert_eq!(faults.next(), None);
    }

    #[test]
    fn a_full_redis_refuses_only_writes() {
        let faults = Faults::default();
        assert_eq!(faults.out_of_memory("SET"), None);
        faults.begin(Fault::Full);
        assert!(matches!(faults.out_of_memory("SET"), Some(Reply::Error(text)) if text.starts_with(b"OOM ")));
        for name in ["GET", "DEL", "UNLINK", "PEXPIRE", "GETEX"] {
            assert_eq!(faults.out_of_memory(name), None, "{name}");
        }
        faults.lift();
        assert_eq!(faults.out_of_memory("SET"), None);
    }
}
