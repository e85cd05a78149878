//! Write-through: who has written the source knows the new content, and may store it at once.
//!
//! Two who write the same record at the same time must not leave the older content behind as good. So a writer notes the
//! stamps before it writes the source, and afterwards exchanges its entry's own stamp for a fresh one; only if the one
//! it gets back is the one it had noted has nobody else written in between, and it stores what it wrote. (The same
//! idea as the leases of Nishtala et al., "Scaling Memcache at Facebook", 2013.) Otherwise the exchange was an
//! invalidation, and the next reader loads. A load that began before holds the old stamp, and is void whenever it ends.

use super::Cache;
use super::request::{Loaded, Request};
use super::tags::{Seen, draw_stamp};
use crate::limits::CACHE_TAG_SECS;
use protocol::timestamp::Timestamp;
use redis_client::command::{Del, Keeping, Life, MGet, SetGet};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// What was noted before the source was written.
#[derive(Debug)]
pub struct Ticket {
    request: Request,
    /// The stamps of the request's tags; none while Redis is away.
    stamps: Vec<Option<Vec<u8>>>,
    taken_at: Timestamp,
}

impl<T: Transport> Cache<T> {
    /// Notes the stamps of what `request` is made from: one command. To be called before the source is written; never
    /// fails, since without the stamps the entry is only not stored.
    pub async fn before_write(&self, request: Request) -> Ticket {
        let taken_at = self.now();
        let stamps = self.redis.run(&MGet::new(&request.tags)).await.unwrap_or_default();
        Ticket { request, stamps, taken_at }
    }

    /// Voids what was made from the old content, here and under the tags in `others`, and stores the new one if nobody
    /// else has written it meanwhile; answers whether it did. Two commands, and one more for `others`, in two round
    /// trips.
    ///
    /// # Errors
    ///
    /// As those of [`Cache::invalidate`].
    pub async fn after_write(
        &self,
        ticket: Ticket,
        written: &Loaded,
        others: &[Key],
    ) -> Result<bool, RedisError> {
        let Ticket { request, mut stamps, taken_at } = ticket;
        let Some(own_tag) = request.own_tag() else { return Ok(false) };
        self.memory().forget(&request.tags);
        self.memory().forget(others);
        let stamp = draw_stamp(self.random);
        let before = self.exchange_stamp(own_tag, &stamp, others).await?;
        let unchanged = before.is_some() && stamps.first() == Some(&before);
        if !unchanged || request.tags.iter().any(|tag| others.contains(tag)) {
            return Ok(false);
        }
        if let Some(own) = stamps.first_mut() {
            *own = Some(stamp.into_bytes());
        }
        let Some(seen) = Seen::of(request.tags.iter().zip(stamps.iter().map(Option::as_deref))) else {
            return Ok(false);
        };
        let Some(ready) = self.ready(&request, written, Some(seen), taken_at) else { return Ok(false) };
        // The old content is void already; that the new one is not there is no more than a miss.
        Ok(self.redis.run(&ready.set(&request.key)).await.is_ok())
    }

    /// Puts `stamp` in the place of the stamp that `tag` has, and answers that; `others` lose theirs.
    async fn exchange_stamp(
        &self,
        tag: &Key,
        stamp: &str,
        others: &[Key],
    ) -> Result<Option<Vec<u8>>, RedisError> {
        let keeping = Keeping::For(Life::of_secs(CACHE_TAG_SECS));
        let exchange = SetGet::new(tag, Value::text(stamp), keeping);
        if others.is_empty() {
            return self.patient().run(&exchange).await;
        }
        let mut pipeline = Pipeline::new();
        let own = pipeline.push(&exchange);
        let rest = pipeline.push(&Del::new(others));
        let mut replies = self.patient().pipeline(&pipeline).await?;
        replies.take(rest)?;
        replies.take(own)
    }
}
