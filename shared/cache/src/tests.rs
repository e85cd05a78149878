mod batch;
mod clear;
mod counts;
mod fallback;
mod single_flight;
mod statistics;
mod strict;
mod times;
mod write_behind;
mod write_through;

use std::cell::Cell;
use std::time::Duration;

use super::request::{Found, Loaded, Request};
use super::{Cache, Clock};
use config::Secret;
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use redis_client::client::{Client, Counts};
use redis_client::encryption::Keyring;
use redis_client::fake::{FakeRedis, Mode, Random};
use redis_client::keys::Keys;
use redis_client::transport::Transport;

impl Clock for FakeRedis {
    fn now(&self) -> Timestamp {
        Transport::now(self)
    }

    async fn sleep(&self, pause: Duration) {
        self.wait(pause).await;
    }
}

/// A Redis and a process that caches in it.
struct World {
    service: FakeRedis,
    client: Client<FakeRedis>,
    cache: Cache<FakeRedis, FakeRedis>,
}

impl World {
    fn open() -> World {
        Random::seed(7);
        World::beside(&FakeRedis::default())
    }

    /// Another process with the same Redis.
    fn beside(service: &FakeRedis) -> World {
        let token = Secret::new("token".into());
        let client = Client::new(service.clone(), token, Random::fill);
        let keyring = Keyring::parse(&format!("k1:{}=", "A".repeat(43))).unwrap();
        let cache = Cache::new(&client, keys(), keyring, Random::fill, service.clone());
        World { service: service.clone(), client, cache }
    }

    /// Runs one future to its end.
    fn wait<O>(&self, future: impl Future<Output = O>) -> O {
        self.service.run(future)
    }

    fn counts(&self) -> Counts {
        self.client.health().counts
    }

    /// The output of `future`, and how many commands and requests it sent.
    fn counted<O>(&self, future: impl Future<Output = O>) -> (O, (u64, u64)) {
        let before = self.counts();
        let output = self.wait(future);
        let after = self.counts();
        (output, (after.commands - before.commands, after.requests - before.requests))
    }

    /// Reads `request` from a source that returns `text`.
    fn read(&self, request: &Request, text: &str) -> Found {
        self.wait(self.cache.read(request, async || returns(text))).unwrap()
    }

    /// The stored keys that contain `part`.
    fn keys_with(&self, part: &str) -> Vec<String> {
        let state = self.service.state();
        let there =
            state.database.keys.iter().filter(|(_, slot)| slot.until.is_none_or(|until| state.now < until));
        there.map(|(key, _)| key).filter(|key| key.contains(part)).cloned().collect()
    }
}

impl Drop for World {
    /// Checks after every test that each key has a TTL and belongs to a tenant of the tests.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for (key, slot) in &self.service.state().database.keys {
            assert!(slot.until.is_some() || key.contains("orphan"), "{key} has no TTL");
            assert!(["t:1:", "t:9:", "t:many-"].iter().any(|known| key.starts_with(known)), "{key}");
        }
    }
}

/// The source fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failed;

fn returns(text: &str) -> Result<Loaded, Failed> {
    Ok(some(text, 0))
}

fn some(text: &str, as_of: u64) -> Loaded {
    Loaded::some(text.as_bytes(), as_of)
}

async fn never() -> Result<Loaded, Failed> {
    panic!("the source was asked")
}

fn keys() -> Keys {
    Keys::new("t").unwrap()
}

fn room() -> Room {
    "1:2".parse().unwrap()
}

fn product(id: &str) -> Request {
    Request::record(&keys(), &room(), "products", id)
}

fn text(found: &Found) -> &str {
    std::str::from_utf8(found.payload().unwrap()).unwrap()
}
