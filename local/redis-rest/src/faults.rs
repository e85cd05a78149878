//! What goes wrong between a client and the front, on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::resp::Reply;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection closes before the request is read; nothing is executed.
    Refuse,
    /// The front answers with this status and an error as JSON; nothing is executed.
    Status(u16),
    /// The request is executed, and the connection closes without an answer.
    LoseAnswer,
    /// The request is executed, and the answer comes this much later.
    Delay(Duration),
    /// The request is executed, and the answer comes when the faults are lifted.
    Hold,
    /// Commands that write values are refused one by one, as by a Redis that is full and may not evict; others are
    /// executed. Only as a lasting fault.
    Full,
}

/// What writes values, and scripts, which may. What only gives a TTL or removes does not.
const TAKES_MEMORY: [&str; 14] = [
    "SET", "MSET", "SETEX", "GETSET", "APPEND", "INCR", "INCRBY", "HSET", "HINCRBY", "LPUSH", "SADD", "ZADD",
    "EVAL", "EVALSHA",
];
/// Redis's own words.
const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";

/// Planned faults. Clones share them.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// How often the faults were lifted: answers that are held wait for a change.
    lifted: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    planned: VecDeque<(Fault, u32)>,
    lasting: Option<Fault>,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults(Arc::new(Shared { state: Mutex::default(), lifted: watch::Sender::new(0) }))
    }
}

impl Faults {
    /// The next `times` requests fail in this way, after those that were planned before.
    pub fn inject(&self, fault: Fault, times: u32) {
        if times > 0 {
            self.state().planned.push_back((fault, times));
        }
    }

    /// Every request fails in this way until the faults are lifted, once the planned ones are used up.
    pub fn begin(&self, fault: Fault) {
        self.state().lasting = Some(fault);
    }

    /// Forgets all that was planned, and lets go of the answers that are held.
    pub fn lift(&self) {
        *self.state() = State::default();
        self.0.lifted.send_modify(|times| *times += 1);
    }

    /// How this request is to fail.
    pub(crate) fn meet(&self) -> Option<Fault> {
        let mut state = self.state();
        let Some((fault, left)) = state.planned.front_mut() else { return state.lasting };
        let fault = *fault;
        *left -= 1;
        if *left == 0 {
            state.planned.pop_front();
        }
        Some(fault)
    }

    /// Why the command called `name` is not executed, while Redis is to be full.
    pub(crate) fn refusal(&self, name: &str) -> Option<Reply> {
        let full = self.state().lasting == Some(Fault::Full);
        (full && TAKES_MEMORY.contains(&name)).then(|| Reply::Error(OUT_OF_MEMORY.into()))
    }

    /// A way to wait for the next [`lift`](Faults::lift).
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.0.lifted.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed while it held the lock leaves the plans as sound as any others.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planned_faults_come_first_and_lasting_ones_stay() {
        let faults = Faults::default();
        assert_eq!(faults.meet(), None);
        faults.begin(Fault::Status(500));
        faults.inject(Fault::Refuse, 2);
        faults.inject(Fault::LoseAnswer, 1);
        let met: Vec<_> = std::iter::repeat_with(|| faults.meet()).take(5).flatten().collect();
        let lasting = Fault::Status(500);
        assert_eq!(met, [Fault::Refuse, Fault::Refuse, Fault::LoseAnswer, lasting, lasting]);
        faults.lift();
        assert_eq!(faults.meet(), None);
    }

    #[test]
    fn a_full_redis_refuses_to_write_and_nothing_else() {
        let faults = Faults::default();
        assert_eq!(faults.refusal("SET"), None);
        faults.begin(Fault::Full);
        assert!(matches!(faults.refusal("SET"), Some(Reply::Error(text)) if text.starts_with(b"OOM ")));
        for name in ["GET", "DEL", "UNLINK", "PEXPIRE", "GETEX"] {
            assert_eq!(faults.refusal(name), None, "{name}");
        }
        faults.lift();
        assert_eq!(faults.refusal("SET"), None);
    }
}
