//! A lookup: an entry and the versions of its tags, read by one command.

use super::entry::{Damaged, Entry};
use super::request::{Found, Loaded, Request, Source};
use super::tags::{TagDigest, TagVersion};
use super::{Cache, Clock};
use protocol::timestamp::Timestamp;
use redis_client::command::mget;
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::transport::Transport;

/// The result of a lookup.
pub(super) struct Lookup {
    /// The tags' versions, in the order of the request's tags.
    pub(super) versions: Vec<Option<TagVersion>>,
    /// Their digest; `None` if one is missing.
    pub(super) digest: Option<TagDigest>,
    /// The entry, if it may be served: its tags have not changed since its load, and it is new enough.
    pub(super) entry: Option<Entry>,
    /// When the stored entry was loaded, valid or not: the state that a lock is about to replace.
    pub(super) replaces: Option<Timestamp>,
}

impl Lookup {
    /// The entry, if it is fresh at `now`.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<&Entry> {
        self.entry.as_ref().filter(|entry| now < entry.fresh_until)
    }

    /// The answer from the entry at `now`, which may be later than the lookup.
    pub(super) fn answer(&self, now: Timestamp) -> Option<Found> {
        let entry = self.entry.as_ref().filter(|entry| now < entry.expires_at)?;
        let source = if now < entry.fresh_until { Source::Fresh } else { Source::Stale };
        let (payload, note) = (entry.payload.clone(), entry.note.clone());
        let loaded = Loaded { payload, note, as_of: entry.as_of };
        Some(Found { loaded, source, loaded_at: entry.loaded_at })
    }

    /// The tags without a version.
    pub(super) fn tags_without_version<'r>(&self, request: &'r Request) -> Vec<&'r Key> {
        let pairs = request.tags.iter().zip(&self.versions);
        pairs.filter(|(_, version)| version.is_none()).map(|(tag, _)| tag).collect()
    }
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Looks up the entry of `request`: one command, one round trip.
    pub(super) async fn lookup(&self, request: &Request) -> Result<Lookup, RedisError> {
        let keys = std::iter::once(&request.key).chain(&request.tags);
        let mut values = self.redis.run(&mget(keys)).await?.into_iter();
        let stored = values.next().flatten();
        Ok(self.evaluate(request, stored.as_deref(), values.map(|value| value.map(TagVersion)).collect()))
    }

    /// Decides whether `stored` may be served for `request`, given the tags' versions.
    pub(super) fn evaluate(
        &self,
        request: &Request,
        stored: Option<&[u8]>,
        mut versions: Vec<Option<TagVersion>>,
    ) -> Lookup {
        // If the reply has fewer values than keys, the rest counts as missing.
        versions.resize(request.tags.len(), None);
        let digest = TagDigest::of(request.tags.iter().zip(versions.iter().map(Option::as_ref)));
        let read = stored.map(|stored| self.decode(request, stored));
        if read == Some(Err(Damaged)) {
            self.count(request, |counts| counts.damaged += 1);
        }
        let entry = read.and_then(Result::ok);
        let replaces = entry.as_ref().map(|entry| entry.loaded_at);
        let now = self.now();
        let is_valid = |entry: &Entry| {
            digest.is_some() && entry.digest == digest && now < entry.expires_at && entry.as_of >= request.min
        };
        Lookup { versions, digest, entry: entry.filter(is_valid), replaces }
    }
}
