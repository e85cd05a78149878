//! Write-behind: content with versions, of which the latest stays in whatever order the writes arrive.
//!
//! The caller first writes its durable journal; the cache only shows the latest version until the journal is
//! applied.
//!
//! A write is one command, `SET … GET`, which replies the value that it replaced. If that was newer, the
//! writer puts it back in the same way, until it replaces nothing newer than what it wrote. Each round writes
//! a higher version than the one before, so of n concurrent writers none needs more than n rounds, and at
//! every moment the latest version is in Redis or held by a writer that is about to put it back. Meanwhile a
//! reader may see an older version; [`Request::min`] prevents that.
//!
//! If Redis rejects a write, the writer deletes the entry rather than leave an older version. If that fails
//! too, it returns the error, and the process that applies the journal writes again. A reader that has read
//! the journal writes only where there is no entry, so it never replaces a newer version.

use super::request::{Found, Loaded, Request, Source};
use super::{Cache, Clock};
use crate::limits::CACHE_PUT_BACKS_MAX;
use redis_client::command::{get, set_and_get_previous, set_if_missing, unlink};
use redis_client::error::RedisError;
use redis_client::transport::Transport;

/// The result of reading the latest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Latest {
    /// The latest version that the cache knows.
    Found(Found),
    /// A version before [`Request::min`].
    Older,
    /// No entry.
    Missing,
}

/// The result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The written version is the latest.
    Latest,
    /// A newer version existed and is in place again.
    Older,
    /// Other writers kept interfering, the content is too large, or Redis rejected it: the entry was deleted.
    Deleted,
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Writes `content`, unless a newer version exists: one command if none does. If the write fails, one
    /// more command deletes the entry.
    ///
    /// # Errors
    ///
    /// If Redis does not respond, an older version may stay for the entry's lifetime at most.
    pub async fn put_latest(&self, request: &Request, content: &Loaded) -> Result<Put, RedisError> {
        let put = self.exchange(request, content).await;
        let Err(error) = put else { return put };
        let deleted = self.delete(request).await;
        match error {
            // A full Redis still deletes.
            RedisError::Refused(_) => deleted,
            // Without a response, the write may still run after the deletion.
            error => Err(error),
        }
    }

    /// Writes `content`, which was read from the journal, if there is no entry: one command.
    pub async fn put_if_missing(&self, request: &Request, content: &Loaded) -> Result<(), RedisError> {
        let Some(entry) = self.encode(request, content, None, self.now()) else { return Ok(()) };
        self.redis.run(&set_if_missing(&request.key, &entry.value, entry.expiry)).await.map(drop)
    }

    async fn exchange(&self, request: &Request, content: &Loaded) -> Result<Put, RedisError> {
        let mut carried = content.clone();
        for round in 0..=CACHE_PUT_BACKS_MAX {
            let Some(entry) = self.encode(request, &carried, None, self.now()) else { break };
            let exchange = set_and_get_previous(&request.key, &entry.value, entry.expiry);
            let previous = self.redis.run(&exchange).await?;
            let previous = previous.and_then(|stored| self.read_version(request, &stored));
            match previous.filter(|previous| previous.as_of() > carried.as_of) {
                Some(newer) => carried = newer.loaded,
                None if round == 0 => return Ok(Put::Latest),
                None => return Ok(Put::Older),
            }
        }
        self.delete(request).await
    }

    async fn delete(&self, request: &Request) -> Result<Put, RedisError> {
        self.redis.run(&unlink([&request.key])).await?;
        Ok(Put::Deleted)
    }

    /// Reads what [`Cache::put_latest`] wrote: one command. An entry that cannot be decoded is deleted, which
    /// is one more.
    ///
    /// # Errors
    ///
    /// If Redis does not respond. The caller then reads the journal.
    pub async fn latest(&self, request: &Request) -> Result<Latest, RedisError> {
        let began = self.now();
        let latest = self.read_latest(request).await.inspect_err(|_| self.count_error(request));
        let source = match &latest {
            Ok(Latest::Found(found)) => Some(found.source),
            _ => None,
        };
        self.count_answer(request, source, began);
        latest
    }

    async fn read_latest(&self, request: &Request) -> Result<Latest, RedisError> {
        let Some(stored) = self.redis.run(&get(&request.key)).await? else { return Ok(Latest::Missing) };
        match self.read_version(request, &stored) {
            Some(found) if found.as_of() >= request.min => Ok(Latest::Found(found)),
            Some(_) => Ok(Latest::Older),
            None => self.delete(request).await.map(|_| Latest::Missing),
        }
    }

    /// The stored version, unless it has expired or cannot be decoded.
    fn read_version(&self, request: &Request, stored: &[u8]) -> Option<Found> {
        let Ok(entry) = self.decode(request, stored) else {
            self.count(request, |counts| counts.damaged += 1);
            return None;
        };
        let loaded = Loaded { payload: entry.payload, note: entry.note, as_of: entry.as_of };
        let found = Found { loaded, source: Source::Fresh, loaded_at: entry.loaded_at };
        (self.now() < entry.expires_at).then_some(found)
    }
}
