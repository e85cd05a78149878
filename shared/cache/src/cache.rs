//! The cache and what it is made of.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::{CACHE_TOTAL_MILLIS, CACHE_TRY_MILLIS};
use crate::memory::Memory;
use crate::single_flight::SingleFlight;
use crate::statistics::Statistics;
use protocol::timestamp::Timestamp;
use protocol::wire::health::BreakerState;
use redis_client::budget::Budget;
use redis_client::client::Client;
use redis_client::encryption::Keyring;
use redis_client::keys::Keys;
use redis_client::transport::Transport;

/// The cache's clock: the system's in functions, virtual in tests.
#[allow(
    async_fn_in_trait,
    reason = "used generically, so that each clock's futures are Send or not as they are"
)]
pub trait Clock {
    /// The present time. It is stored in entries, so all processes must agree on it roughly.
    fn now(&self) -> Timestamp;

    /// Returns after `pause`.
    async fn sleep(&self, pause: Duration);
}

/// A cache in one Redis database, for all tenants.
pub struct Cache<T, C> {
    pub(crate) redis: Client<T>,
    pub(crate) keys: Keys,
    pub(crate) keyring: Keyring,
    pub(crate) clock: C,
    pub(crate) random: fn(&mut [u8]),
    pub(crate) single_flight: SingleFlight,
    memory: Mutex<Memory>,
    statistics: Mutex<Statistics>,
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// A cache in `redis` under `keys`, which encrypts with `keyring`. `random` fills the given bytes and
    /// must not be predictable: tag versions and nonces are drawn from it.
    pub fn new(
        redis: &Client<T>,
        keys: Keys,
        keyring: Keyring,
        random: fn(&mut [u8]),
        clock: C,
    ) -> Cache<T, C> {
        let millis = Duration::from_millis;
        let budget = Budget { per_try: millis(CACHE_TRY_MILLIS), total: millis(CACHE_TOTAL_MILLIS) };
        let (single_flight, memory) = (SingleFlight::default(), Mutex::default());
        let statistics = Mutex::new(Statistics::new(random, clock.now()));
        let redis = redis.within(budget);
        Cache { redis, keys, keyring, clock, random, single_flight, memory, statistics }
    }

    /// The keys of the cache's deployment.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// State of the circuit breaker in front of Redis.
    pub fn breaker(&self) -> BreakerState {
        self.redis.health().breaker
    }

    /// A client that waits longer than a read does.
    pub(crate) fn patient(&self) -> Client<T> {
        self.redis.within(Budget::DEFAULT)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn statistics(&self) -> MutexGuard<'_, Statistics> {
        self.statistics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
