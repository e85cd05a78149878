//! The cache as the functions use it.

use crate::random;
use crate::redis::{Redis, RedisHttp};

/// The cache of one function.
pub type Cache = cache::Cache<RedisHttp>;

/// A cache in `redis`.
pub fn of(redis: Redis) -> Cache {
    Cache::new(&redis.client, redis.keys, redis.keyring, random::fill)
}
