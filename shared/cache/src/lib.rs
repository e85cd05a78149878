//! The cache: what was read from the source is kept in Redis for a while, and no longer than it is true.
//!
//! What callers may rely on, and where it is made true:
//!
//! - After an invalidation was acknowledged, no read answers with what was loaded before it, whatever is evicted
//!   (`tags` says why).
//! - A hit is one command, however many tags an entry has; a miss is two, or three where one process at a time loads or
//!   a tag has no stamp yet (`read`, `claim`).
//! - Nothing runs after an answer, because in a function nothing can: an entry that is past its time is loaded anew by
//!   the reader that gets to do it, while the others are still answered from it.
//! - Many at once (`batch`) are one look and one load: without single flight, and what is past its time is loaded anew at
//!   once.
//! - Redis away or slow costs a request [`CACHE_TOTAL_MILLIS`] for each time it is asked until the client's breaker
//!   opens, and then nothing but for the one that probes now and then; a write to Redis that fails after a load fails no
//!   reader (`away`).
//! - Every key has a TTL.
//!
//! In reading order:

// What is kept, and for how long.
pub mod kind;
pub mod limits;
pub mod request;

mod entry;
mod tags;

// Reading: `read` is the way through all of it.
mod lookup;
mod read;

mod early_refresh;
mod lease;
mod single_flight;
mod store;

mod fallback;
mod memory;

// Reading many, and writing.
pub mod batch;
pub mod clear;
pub mod newest;
pub mod write_through;

mod invalidate;

// What it did, and what is left behind.
pub mod maintenance;
pub mod statistics;

mod compact;
mod flush;
mod report;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::{CACHE_TOTAL_MILLIS, CACHE_TRY_MILLIS};
use memory::Memory;
use protocol::timestamp::Timestamp;
use protocol::wire::health::BreakerState;
use redis_client::budget::Budget;
use redis_client::client::Client;
use redis_client::encryption::Keyring;
use redis_client::keys::Keys;
use redis_client::transport::Transport;
use single_flight::Flights;
use statistics::Tallies;

/// A cache in one Redis database, for all tenants.
pub struct Cache<T> {
    redis: Client<T>,
    keys: Keys,
    keyring: Keyring,
    random: fn(&mut [u8]),
    flights: Flights,
    memory: Mutex<Memory>,
    tallies: Mutex<Tallies>,
}

impl<T: Transport> Cache<T> {
    /// A cache that asks `redis` under `keys`, seals with `keyring`, and draws stamps, nonces and chances from `random`,
    /// which fills what it is given and must not be guessable.
    pub fn new(redis: &Client<T>, keys: Keys, keyring: Keyring, random: fn(&mut [u8])) -> Cache<T> {
        let millis = Duration::from_millis;
        let budget = Budget { per_try: millis(CACHE_TRY_MILLIS), total: millis(CACHE_TOTAL_MILLIS) };
        let tallies = Mutex::new(Tallies::of_process(random, redis.transport().now()));
        let (flights, memory) = (Flights::default(), Mutex::default());
        Cache { redis: redis.within(budget), keys, keyring, random, flights, memory, tallies }
    }

    /// The keys that it uses.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether Redis is asked at all.
    pub fn breaker(&self) -> BreakerState {
        self.redis.health().breaker
    }

    /// The client for what is worth a longer wait than a read is.
    fn patient(&self) -> Client<T> {
        self.redis.within(Budget::DEFAULT)
    }

    fn now(&self) -> Timestamp {
        self.redis.transport().now()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod fake_redis;
#[cfg(test)]
mod tests;
