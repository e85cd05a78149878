//! How Redis is doing, as far as this client knows without asking.

use std::time::Duration;

use super::Client;
use super::counters::Counts;
use crate::transport::Transport;
use protocol::wire::health::BreakerState;

/// How Redis is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether requests are let through.
    pub breaker: BreakerState,
    /// How long the last answer took; `None` before the first.
    pub last_latency: Option<Duration>,
    /// What was sent.
    pub counts: Counts,
}

impl<T: Transport> Client<T> {
    /// How Redis is doing; costs no round trip.
    pub fn health(&self) -> Health {
        let breaker = self.line.breaker().state(self.line.transport.now());
        let last_latency = self.line.counters.latency_micros().map(Duration::from_micros);
        Health { breaker, last_latency, counts: self.line.counters.read() }
    }
}
