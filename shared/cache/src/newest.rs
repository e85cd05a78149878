//! Write-behind: content with versions, of which the newest stays whoever comes last.
//!
//! The caller writes its durable journal first; the cache only shows the newest version until the journal has been worked
//! off. A write is one command, `SET … GET`, which answers what it replaced. If that was newer, the writer puts it back in
//! the same way, and so on until it replaces nothing newer than what it wrote. Each round carries a higher version than
//! the one before, so of n concurrent writers none takes more than n rounds, and the newest version is at every moment
//! either in Redis or in the hands of a writer that is about to put it back. In between a reader may see an older one;
//! who must not says so with [`Request::min`]. A writer that Redis refuses leaves nothing rather than an older one; one
//! that cannot even do that says so, and whoever works off the journal writes again. Readers who have read the journal
//! write only where there is nothing, so that none of them can replace what is newer.

use super::Cache;
use super::request::{Found, Loaded, Request, Source};
use crate::limits::CACHE_PUT_BACKS_MAX;
use redis_client::command::{Get, Only, SetGet, Unlink};
use redis_client::error::RedisError;
use redis_client::transport::Transport;

/// What a reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Newest {
    /// What was written last, as far as the cache has heard.
    Found(Found),
    /// Something that is older than [`Request::min`].
    Older,
    /// Nothing.
    Nothing,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// What was written was the newest.
    Newest,
    /// There was a newer version, which is in place again.
    Older,
    /// Others wrote all the while, the content is too large, or Redis refused it; nothing is there now.
    Nothing,
}

impl<T: Transport> Cache<T> {
    /// Writes `content`, unless a newer version of it is there: one command if none is. Where that fails, it asks once
    /// more, to leave nothing.
    ///
    /// # Errors
    ///
    /// If Redis does not answer, an older version may be left there, for the entry's life at most.
    pub async fn put_newest(&self, request: &Request, content: &Loaded) -> Result<Put, RedisError> {
        let put = self.exchange(request, content).await;
        let Err(error) = put else { return put };
        let left = self.leave_nothing(request).await;
        match error {
            // One that is full still removes.
            RedisError::Refused(_) => left,
            // What did not answer may yet run.
            error => Err(error),
        }
    }

    /// Writes `content`, which was read from the journal, unless there is something: one command.
    pub async fn fill_newest(&self, request: &Request, content: &Loaded) -> Result<(), RedisError> {
        let Some(ready) = self.ready(request, content, None, self.now()) else { return Ok(()) };
        self.redis.run(&ready.set(&request.key).only(Only::IfMissing)).await.map(drop)
    }

    async fn exchange(&self, request: &Request, content: &Loaded) -> Result<Put, RedisError> {
        let mut carried = content.clone();
        for round in 0..=CACHE_PUT_BACKS_MAX {
            let now = self.now();
            let Some(ready) = self.ready(request, &carried, None, now) else { break };
            let before = self.redis.run(&SetGet::new(&request.key, ready.value, ready.keeping)).await?;
            let before = before.and_then(|stored| self.read_newest(request, &stored));
            match before.filter(|before| before.as_of() > carried.as_of) {
                Some(newer) => carried = newer.loaded,
                None if round == 0 => return Ok(Put::Newest),
                None => return Ok(Put::Older),
            }
        }
        self.leave_nothing(request).await
    }

    async fn leave_nothing(&self, request: &Request) -> Result<Put, RedisError> {
        self.redis.run(&Unlink::new([&request.key])).await?;
        Ok(Put::Nothing)
    }

    /// The content that [`Cache::put_newest`] left: one command. What cannot be read is removed, which is one more.
    ///
    /// # Errors
    ///
    /// If Redis does not answer: the journal has the truth.
    pub async fn newest(&self, request: &Request) -> Result<Newest, RedisError> {
        let began = self.now();
        let found = self.look_for_newest(request).await.inspect_err(|_| self.count_error(request));
        let source = match &found {
            Ok(Newest::Found(found)) => Some(found.source),
            _ => None,
        };
        let micros = self.now().0.saturating_sub(began.0);
        self.tally(request, |tally| tally.answered(source, micros));
        found
    }

    async fn look_for_newest(&self, request: &Request) -> Result<Newest, RedisError> {
        let Some(stored) = self.redis.run(&Get::new(&request.key)).await? else { return Ok(Newest::Nothing) };
        match self.read_newest(request, &stored) {
            Some(found) if found.as_of() >= request.min => Ok(Newest::Found(found)),
            Some(_) => Ok(Newest::Older),
            None => self.leave_nothing(request).await.map(|_| Newest::Nothing),
        }
    }

    /// What is stored, unless its time is over.
    fn read_newest(&self, request: &Request, stored: &[u8]) -> Option<Found> {
        let Ok(entry) = self.unseal(request, stored) else {
            self.tally(request, |tally| tally.damaged += 1);
            return None;
        };
        let loaded = Loaded { payload: entry.payload, as_of: entry.as_of };
        let found = Found { loaded, source: Source::Fresh, made_at: entry.made_at };
        (self.now() < entry.gone_at).then_some(found)
    }
}
