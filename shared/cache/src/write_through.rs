//! Write-through: a process that writes the source stores the new content at once.
//!
//! Two processes that write the same record at the same time must not leave the older content behind as
//! valid. So a writer reads the tag versions before it writes the source, and afterwards exchanges the
//! version of the entry's own tag for a new one. Only if the previous version is the one that it had read did
//! no other process write in between, and it stores its content. (The idea of the leases in Nishtala et al.,
//! "Scaling Memcache at Facebook", 2013.) Otherwise the exchange was an invalidation, and the next reader
//! loads. A load that began before has the old digest and is invalid whenever it ends.

use super::request::{Loaded, Request};
use super::tags::{TagDigest, TagVersion};
use super::{Cache, Clock};
use crate::limits::CACHE_TAG_SECS;
use protocol::timestamp::Timestamp;
use redis_client::command::{Expiry, Ttl, del, mget, set_and_get_previous};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;

/// A write of the source that has begun.
#[derive(Debug)]
pub struct PendingWrite {
    request: Request,
    /// The versions of the request's tags before the write; empty while Redis is down.
    versions: Vec<Option<TagVersion>>,
    began: Timestamp,
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Reads the versions of the request's tags: one command. To be called before the source is written.
    /// Never fails: without the versions, the new content is just not stored.
    pub async fn before_write(&self, request: Request) -> PendingWrite {
        let began = self.now();
        let versions = self.redis.run(&mget(&request.tags)).await.unwrap_or_default();
        let versions = versions.into_iter().map(|version| version.map(TagVersion)).collect();
        PendingWrite { request, versions, began }
    }

    /// Invalidates the old content and everything that depends on the tags in `others`, and stores the new
    /// content if no other process has written it meanwhile; returns whether it stored. Two commands, and one
    /// more for `others`, in two round trips.
    ///
    /// # Errors
    ///
    /// Those of [`Cache::invalidate`].
    pub async fn after_write(
        &self,
        pending: PendingWrite,
        written: &Loaded,
        others: &[Key],
    ) -> Result<bool, RedisError> {
        let PendingWrite { request, mut versions, began } = pending;
        let Some(own_tag) = request.own_tag() else { return Ok(false) };
        self.memory().invalidate(&request.tags);
        self.memory().invalidate(others);
        let version = TagVersion::draw(self.random);
        let previous = self.exchange_version(own_tag, &version, others).await?;
        let unchanged = previous.is_some() && versions.first() == Some(&previous);
        if !unchanged || request.tags.iter().any(|tag| others.contains(tag)) {
            return Ok(false);
        }
        if let Some(own) = versions.first_mut() {
            *own = Some(version);
        }
        let Some(digest) = TagDigest::of(request.tags.iter().zip(versions.iter().map(Option::as_ref))) else {
            return Ok(false);
        };
        let Some(entry) = self.encode(&request, written, Some(digest), began) else { return Ok(false) };
        // The old content is invalid already; if storing the new one fails, the next read is a miss.
        Ok(self.redis.run(&entry.set(&request.key)).await.is_ok())
    }

    /// Replaces the version of `tag`, deletes those of `others`, and returns the previous version of `tag`.
    async fn exchange_version(
        &self,
        tag: &Key,
        version: &TagVersion,
        others: &[Key],
    ) -> Result<Option<TagVersion>, RedisError> {
        let expiry = Expiry::In(Ttl::of_secs(CACHE_TAG_SECS));
        let mut pipeline = Pipeline::new();
        let own = pipeline.push(set_and_get_previous(tag, &version.value(), expiry));
        let rest = (!others.is_empty()).then(|| pipeline.push(del(others)));
        let mut replies = self.patient().pipeline(&pipeline).await?;
        if let Some(rest) = rest {
            replies.take(rest)?;
        }
        Ok(replies.take(own)?.map(TagVersion))
    }
}
