//! The right to load, where it takes one: by writing the stamps that are missing, or by a lock.

use super::Cache;
use super::lookup::Look;
use super::request::Request;
use super::tags::{Seen, draw_stamp};
use crate::limits::{CACHE_LEASE_MILLIS, CACHE_TAG_SECS};
use protocol::timestamp::Timestamp;
use redis_client::command::{Keeping, Life, Only, Set};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::{Pipeline, Slot};
use redis_client::transport::Transport;
use redis_client::value::Value;
use std::time::Duration;

/// Who loads.
pub(super) enum Claim {
    /// This reader, and its entry holds these stamps.
    Ours(Seen),
    /// Somebody else has begun to.
    Theirs,
    /// Nobody yet: another reader wrote a stamp that ours lacks, for an entry of its own.
    LookAgain,
}

impl<T: Transport> Cache<T> {
    /// Claims the load of `request` after `look`. No command where no stamp is missing and the kind has no lock; one
    /// for every stamp that is missing, or for the lock, in one round trip.
    ///
    /// Of those who see an entry's own stamp missing, one writes it; this serves as the lock.
    pub(super) async fn claim(&self, request: &Request, look: &Look) -> Result<Claim, RedisError> {
        let missing = look.missing(request);
        if missing.is_empty() {
            return self.claim_by_lock(request, look).await;
        }
        let drawn: Vec<String> = missing.iter().map(|_| draw_stamp(self.random)).collect();
        let mut pipeline = Pipeline::new();
        let slots: Vec<Slot<Set>> =
            missing.iter().zip(&drawn).map(|(tag, stamp)| pipeline.push(&first_stamp(tag, stamp))).collect();
        let mut replies = self.redis.pipeline(&pipeline).await?;
        let mut written = Vec::with_capacity(slots.len());
        for slot in slots {
            written.push(replies.take(slot)?);
        }
        let own_lost = missing.first().copied() == request.own_tag() && written.first() == Some(&false);
        if own_lost {
            return Ok(Claim::Theirs);
        }
        if written.contains(&false) {
            return Ok(Claim::LookAgain);
        }
        let mut drawn = drawn.iter().map(String::as_bytes);
        let stamps: Vec<_> =
            look.stamps.iter().map(|stamp| stamp.as_deref().or_else(|| drawn.next())).collect();
        Ok(Seen::of(request.tags.iter().zip(stamps)).map_or(Claim::LookAgain, Claim::Ours))
    }

    async fn claim_by_lock(&self, request: &Request, look: &Look) -> Result<Claim, RedisError> {
        let Some(seen) = look.seen else { return Ok(Claim::LookAgain) };
        if !request.kind.rules().locked {
            return Ok(Claim::Ours(seen));
        }
        // By what it replaces and under which stamps: neither an entry that has been replaced since nor an
        // invalidation is held up by the lock of a load before it, and no lock has to be given back.
        let state = format!("{}.{}", seen.write(), look.replaces.unwrap_or(Timestamp(0)).0);
        let lock = self.keys.lock(&request.key, &state);
        let life = Life::of(Duration::from_millis(CACHE_LEASE_MILLIS));
        let set = Set::new(&lock, Value::text("1"), Keeping::For(life)).only(Only::IfMissing);
        Ok(if self.redis.run(&set).await? { Claim::Ours(seen) } else { Claim::Theirs })
    }
}

/// Writes a tag's stamp where there is none.
pub(super) fn first_stamp(tag: &Key, stamp: &str) -> Set {
    let life = Life::of_secs(CACHE_TAG_SECS);
    Set::new(tag, Value::text(stamp), Keeping::For(life)).only(Only::IfMissing)
}
