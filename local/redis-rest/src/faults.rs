//! Injects faults between a client and the server.

use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// Executes the request and responds when the fault is lifted.
    Hold,
    /// Refuses each command that writes values, as a full Redis does that may not evict; executes the others.
    Full,
}

/// Commands that write values, and scripts, which may. Setting a TTL or removing a key takes no memory.
const TAKES_MEMORY: [&str; 14] = [
    "SET", "MSET", "SETEX", "GETSET", "APPEND", "INCR", "INCRBY", "HSET", "HINCRBY", "LPUSH", "SADD", "ZADD",
    "EVAL", "EVALSHA",
];
/// Redis's own text.
const OUT_OF_MEMORY: &str = "OOM command not allowed when used memory > 'maxmemory'.";

/// The fault that every request meets, if any.
#[derive(Debug, Default)]
pub struct Faults {
    current: Mutex<Option<Fault>>,
    lifted: Notify,
}

impl Faults {
    /// Makes every request fail like this until the fault is lifted.
    pub fn begin(&self, fault: Fault) {
        *self.lock() = Some(fault);
    }

    /// Removes the fault and releases the responses that are held.
    pub fn lift(&self) {
        *self.lock() = None;
        self.lifted.notify_waiters();
    }

    pub(crate) fn current(&self) -> Option<Fault> {
        *self.lock()
    }

    /// The error for the command called `name` while [`Fault::Full`] lasts.
    pub(crate) fn out_of_memory(&self, name: &str) -> Option<Reply> {
        let full = self.current() == Some(Fault::Full);
        (full && TAKES_MEMORY.contains(&name)).then(|| Reply::error(OUT_OF_MEMORY))
    }

    /// Completes at the first [`lift`](Faults::lift) after this call.
    pub(crate) fn lifted(&self) -> Notified<'_> {
        self.lifted.notified()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        // The lock guards one assignment.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!((faults.current(), faults.out_of_memory("SET")), (None, None));
    }
}
