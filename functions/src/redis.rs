//! Redis as the functions use it: client, keys and encryption of this deployment.

mod transport;

use std::time::Duration;

use cache::Clock;
use config::Reader;
use protocol::timestamp::Timestamp;
use redis_client::address::Address;
use redis_client::client::Client;
use redis_client::encryption::Keyring;
use redis_client::keys::Keys;

use crate::random;
use crate::start;
pub use transport::RedisHttp;

/// The default of `REDIS_PREFIX`.
const PREFIX_DEFAULT: &str = "tillsync";

/// The cache of one function.
pub type Cache = cache::Cache<RedisHttp, SystemClock>;

/// The system's clock, for the cache.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        start::now()
    }

    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }
}

/// Redis over REST. Clones share connections and circuit breaker.
#[derive(Clone, Debug)]
pub struct Redis {
    /// Sends commands.
    pub client: Client<RedisHttp>,
    /// Builds keys.
    pub keys: Keys,
    /// Encrypts values that hold personal data.
    pub keyring: Keyring,
}

impl Redis {
    /// Reads `UPSTASH_REDIS_REST_URL`, `UPSTASH_REDIS_REST_TOKEN`, `REDIS_PREFIX` (default `tillsync`) and
    /// `CACHE_KEYS` (`id:base64,…`, see [`Keyring::parse`]).
    pub fn read(reader: &mut Reader<impl Fn(&str) -> Option<String>>) -> Option<Redis> {
        let address = reader.parsed("UPSTASH_REDIS_REST_URL", str::parse::<Address>);
        let transport =
            address.and_then(|address| reader.checked("the HTTP client", RedisHttp::new(address)));
        let token = reader.secret("UPSTASH_REDIS_REST_TOKEN");
        let keys = Keys::new(PREFIX_DEFAULT).ok();
        let keys = reader.parsed_or("REDIS_PREFIX", keys, |prefix| Keys::new(prefix).map(Some)).flatten();
        let keyring = reader.parsed("CACHE_KEYS", Keyring::parse);
        let parts = transport.zip(keys).zip(keyring);
        parts.map(|((transport, keys), keyring)| Redis {
            client: Client::new(transport, token, random::fill),
            keys,
            keyring,
        })
    }

    /// A cache in this Redis.
    pub fn cache(&self) -> Cache {
        Cache::new(&self.client, self.keys.clone(), self.keyring.clone(), random::fill, SystemClock)
    }
}
