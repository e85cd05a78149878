//! A look: an entry and its tags' stamps in one command, and what they are worth together.

use super::Cache;
use super::entry::{Damaged, Entry};
use super::request::{Found, Loaded, Request, Source};
use super::tags::Seen;
use protocol::timestamp::Timestamp;
use redis_client::command::MGet;
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::transport::Transport;

/// What was found.
pub(super) struct Look {
    /// The stamps, in the order of the request's tags.
    pub(super) stamps: Vec<Option<Vec<u8>>>,
    /// What they are together; nothing if one is missing.
    pub(super) seen: Option<Seen>,
    /// The entry, if it may be served: its tags stand as they stood before its load, and it is new enough.
    pub(super) entry: Option<Entry>,
    /// When the entry that is there was made, be it good or not: what a lock is about to replace.
    pub(super) replaces: Option<Timestamp>,
}

impl Look {
    /// Whether the entry is fresh at `now`.
    pub(super) fn fresh(&self, now: Timestamp) -> Option<&Entry> {
        self.entry.as_ref().filter(|entry| now < entry.fresh_until)
    }

    /// The entry as an answer at `now`, which may be a while after the look.
    pub(super) fn answer(&self, now: Timestamp) -> Option<Found> {
        let entry = self.entry.as_ref().filter(|entry| now < entry.gone_at)?;
        let source = if now < entry.fresh_until { Source::Fresh } else { Source::Stale };
        let loaded = Loaded { payload: entry.payload.clone(), as_of: entry.as_of };
        Some(Found { loaded, source, made_at: entry.made_at })
    }

    /// The tags that have no stamp.
    pub(super) fn missing<'r>(&self, request: &'r Request) -> Vec<&'r Key> {
        let pairs = request.tags.iter().zip(&self.stamps);
        pairs.filter(|(_, stamp)| stamp.is_none()).map(|(tag, _)| tag).collect()
    }
}

impl<T: Transport> Cache<T> {
    /// Looks for the entry of `request`: one command, one round trip.
    pub(super) async fn look(&self, request: &Request) -> Result<Look, RedisError> {
        let keys = std::iter::once(&request.key).chain(&request.tags);
        let mut values = self.redis.run(&MGet::new(keys)).await?.into_iter();
        let stored = values.next().flatten();
        Ok(self.judge(request, stored.as_deref(), values.collect()))
    }

    /// What `stored` is worth to `request` beside these stamps.
    pub(super) fn judge(
        &self,
        request: &Request,
        stored: Option<&[u8]>,
        mut stamps: Vec<Option<Vec<u8>>>,
    ) -> Look {
        // An answer with fewer values than keys has no stamps for the rest.
        stamps.resize(request.tags.len(), None);
        let seen = Seen::of(request.tags.iter().zip(stamps.iter().map(Option::as_deref)));
        let read = stored.map(|stored| self.unseal(request, stored));
        if read == Some(Err(Damaged)) {
            self.tally(request, |tally| tally.damaged += 1);
        }
        let entry = read.and_then(Result::ok);
        let replaces = entry.as_ref().map(|entry| entry.made_at);
        let now = self.now();
        let good = |entry: &Entry| {
            seen.is_some() && entry.seen == seen && now < entry.gone_at && entry.as_of >= request.min
        };
        Look { stamps, seen, entry: entry.filter(good), replaces }
    }

    /// Reads what is stored for `request`.
    pub(super) fn unseal(&self, request: &Request, stored: &[u8]) -> Result<Entry, Damaged> {
        if request.kind.rules().sealed {
            Entry::read(&self.keyring.open(&request.key, stored).ok_or(Damaged)?)
        } else {
            Entry::read(stored)
        }
    }
}
