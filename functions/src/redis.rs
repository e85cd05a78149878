//! Redis as the functions use it: client, keys and encryption of this deployment.

#[cfg(feature = "carried-redis")]
mod carrier;
mod link;
mod transport;

use config::{Reader, Secret};
use redis_client::address::Address;
use redis_client::client::Client;
use redis_client::encryption::Keyring;
use redis_client::keys::Keys;

use crate::random;
#[cfg(feature = "carried-redis")]
pub use carrier::{Carrier, Exchange};
pub use link::RedisLink;
pub use transport::RedisHttp;

/// The default of `REDIS_PREFIX`.
const PREFIX_DEFAULT: &str = "tillsync";

/// The cache of one function.
pub type Cache = cache::Cache<RedisLink, RedisLink>;

/// Redis over REST. Clones share connections and circuit breaker.
#[derive(Clone, Debug)]
pub struct Redis {
    /// Sends commands.
    pub client: Client<RedisLink>,
    /// Builds keys.
    pub keys: Keys,
    /// Encrypts values that hold personal data.
    pub keyring: Keyring,
    link: RedisLink,
    random: fn(&mut [u8]),
}

impl Redis {
    /// Redis at the end of `link`, which `token` opens; `random` fills the given bytes.
    pub fn new(link: RedisLink, token: Secret, keys: Keys, keyring: Keyring, random: fn(&mut [u8])) -> Redis {
        Redis { client: Client::new(link.clone(), token, random), keys, keyring, link, random }
    }

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
        parts.map(|((transport, keys), keyring)| {
            Redis::new(RedisLink::Http(transport), token, keys, keyring, random::fill)
        })
    }

    /// A cache in this Redis.
    pub fn cache(&self) -> Cache {
        let (keys, keyring, clock) = (self.keys.clone(), self.keyring.clone(), self.link.clone());
        Cache::new(&self.client, keys, keyring, self.random, clock)
    }
}
