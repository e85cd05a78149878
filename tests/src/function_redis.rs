//! The Redis client that a function of the local stack has.

use config::{BadConfig, Reader};
use functions::redis::Redis;
use local::keys::Keys;

/// The client that a function builds from its environment, for Redis at `url`.
pub fn function_redis(url: &str, keys: &Keys) -> Result<Redis, BadConfig> {
    let setting = |name: &str| match name {
        "UPSTASH_REDIS_REST_URL" => Some(url.to_owned()),
        "UPSTASH_REDIS_REST_TOKEN" => Some(keys.redis_token.expose().to_owned()),
        "CACHE_KEYS" => Some(keys.cache_keys.expose().to_owned()),
        _ => None,
    };
    let mut reader = Reader::new(setting);
    let redis = Redis::read(&mut reader);
    reader.finish(redis)
}
