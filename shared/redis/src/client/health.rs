//! Redis's health as this client has observed it.

use std::time::Duration;

use super::Client;
use super::counters::Counts;
use crate::transport::Transport;
use protocol::wire::health::BreakerState;

/// Redis's health as a client has observed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// State of the circuit breaker.
    pub breaker: BreakerState,
    /// Time that the last response took; `None` before the first.
    pub last_latency: Option<Duration>,
    /// Counts of what was sent.
    pub counts: Counts,
}

impl<T: Transport> Client<T> {
    /// Redis's health; costs no round trip.
    pub fn health(&self) -> Health {
        let breaker = self.shared.breaker().state(self.shared.transport.now());
        let last_latency = self.shared.counters.latency_micros().map(Duration::from_micros);
        Health { breaker, last_latency, counts: self.shared.counters.read() }
    }
}
