//! The lease to load an entry: granted by writing missing tag versions, or by a lock.

use std::time::Duration;

use super::lookup::Lookup;
use super::request::Request;
use super::tags::{TagDigest, TagVersion};
use super::{Cache, Clock};
use crate::limits::{CACHE_LEASE_MILLIS, CACHE_TAG_SECS};
use protocol::timestamp::Timestamp;
use redis_client::command::{Command, Expiry, Ttl, set_if_missing};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// The outcome of asking for a lease.
pub(super) enum Lease {
    /// This reader loads; its entry will hold this digest.
    Granted(TagDigest),
    /// Another reader loads.
    Held,
    /// Look up again: another reader has written a version that was missing, for an entry of its own.
    Retry,
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Asks for the lease to load `request` after `lookup`, in one round trip: one command for each missing
    /// tag version, or one for the lock. No command if no version is missing and the kind takes no lock.
    ///
    /// Of all readers that find an entry's own tag without a version, one writes it; this serves as the lock.
    pub(super) async fn acquire_lease(
        &self,
        request: &Request,
        lookup: &Lookup,
    ) -> Result<Lease, RedisError> {
        let missing = lookup.tags_without_version(request);
        if missing.is_empty() {
            return self.acquire_lock(request, lookup).await;
        }
        let drawn: Vec<TagVersion> = missing.iter().map(|_| TagVersion::draw(self.random)).collect();
        let mut pipeline = Pipeline::new();
        let slots: Vec<_> = missing
            .iter()
            .zip(&drawn)
            .map(|(tag, version)| pipeline.push(set_version_if_missing(tag, version)))
            .collect();
        let mut replies = self.redis.pipeline(&pipeline).await?;
        let written: Vec<bool> =
            slots.into_iter().map(|slot| replies.take(slot)).collect::<Result<_, _>>()?;
        let lost_own_tag = missing.first().copied() == request.own_tag() && written.first() == Some(&false);
        if lost_own_tag {
            return Ok(Lease::Held);
        }
        if written.contains(&false) {
            return Ok(Lease::Retry);
        }
        let mut drawn = drawn.iter();
        let versions: Vec<_> =
            lookup.versions.iter().map(|version| version.as_ref().or_else(|| drawn.next())).collect();
        Ok(TagDigest::of(request.tags.iter().zip(versions)).map_or(Lease::Retry, Lease::Granted))
    }

    async fn acquire_lock(&self, request: &Request, lookup: &Lookup) -> Result<Lease, RedisError> {
        let Some(digest) = lookup.digest else { return Ok(Lease::Retry) };
        if !request.kind.rules().locked {
            return Ok(Lease::Granted(digest));
        }
        // The lock's name holds the entry that it replaces and the digest. So a lock of an earlier load
        // blocks neither a replaced entry nor a load after an invalidation, and no lock needs to be released.
        let state = format!("{}.{}", digest.write(), lookup.replaces.unwrap_or(Timestamp(0)).0);
        let lock = self.keys.lock(&request.key, &state);
        let ttl = Ttl::of(Duration::from_millis(CACHE_LEASE_MILLIS));
        let set = set_if_missing(&lock, &Value::text("1"), Expiry::In(ttl));
        Ok(if self.redis.run(&set).await? { Lease::Granted(digest) } else { Lease::Held })
    }
}

/// Writes the version of a tag that has none.
pub(super) fn set_version_if_missing(tag: &Key, version: &TagVersion) -> Command<bool> {
    set_if_missing(tag, &version.value(), Expiry::In(Ttl::of_secs(CACHE_TAG_SECS)))
}
