//! The pages of pulls that end at the room's head, so that tills that poll wake no function.
//!
//! A page is given out while the room's head is still the one at which a function read it, and a function
//! has confirmed that head recently. See ARCHITECTURE.md, "What the edge may answer by itself".

use std::collections::HashMap;
use std::time::Duration;

use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

use super::page_call::{Lookup, PageToKeep, Unanswered};
use crate::revalidation;

/// Bytes of all pages of a room.
const PAGES_BYTES_MAX: usize = 512 * 1024;
/// Digests that a room remembers: tills name few different lists of tables.
const DIGESTS_MAX: usize = 64;

/// What a room knows of its head. In memory only: without it, functions answer.
#[derive(Debug)]
pub(super) struct HeadPages {
    /// Changes with each publication. Starts at the time, so that it never repeats after memory was lost.
    generation: u64,
    head: Option<Head>,
    /// The confirmation of the head that one caller was sent to renew.
    renewed: Option<Timestamp>,
    /// By the key of the pull.
    pages: HashMap<String, Page>,
    /// Bytes of keys and pages.
    bytes: usize,
    /// The digests of the tables that readers may read, by the key of the reader.
    digests: HashMap<String, (String, Timestamp)>,
}

/// A page, and what its body is known by.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) body: String,
    /// Its entity tag.
    pub(super) etag: String,
    /// The digest of the tables that its reader could read.
    digest: String,
}

#[derive(Clone, Copy, Debug)]
struct Head {
    stamp: Stamp,
    /// The latest time at which a function is known to have found this head.
    confirmed_at: Timestamp,
}

impl HeadPages {
    pub(super) fn new(now: Timestamp) -> HeadPages {
        HeadPages {
            generation: now.0,
            head: None,
            renewed: None,
            pages: HashMap::new(),
            bytes: 0,
            digests: HashMap::new(),
        }
    }

    /// The page that answers `lookup`, or what is known. `is_quiet` says that no write is under way.
    ///
    /// Shortly before a confirmation ends, one caller gets no page: its function renews the confirmation
    /// while the others go on. Otherwise all would need a function at the same moment.
    pub(super) fn look(
        &mut self,
        lookup: &Lookup,
        is_quiet: bool,
        bound: Duration,
        now: Timestamp,
    ) -> Result<&Page, Unanswered> {
        let renews = self.renews(bound, now);
        let recent = |confirmed_at| is_within(confirmed_at, bound, now);
        let is_at_head = |head: Head| recent(head.confirmed_at) && lookup.min <= head.stamp;
        let may_answer = is_quiet && !renews && self.head.is_some_and(is_at_head);
        let digest = self.digests.get(&lookup.reader).filter(|(_, confirmed_at)| recent(*confirmed_at));
        let digest = digest.map(|(digest, _)| digest);
        // After a deployment, a reader may read other tables.
        let page = self.pages.get(&lookup.pull).filter(|page| may_answer && digest == Some(&page.digest));
        page.ok_or_else(|| Unanswered { generation: self.generation, asked_at: now, digest: digest.cloned() })
    }

    /// Whether the caller must renew the confirmation: one does in the last tenth of `bound`.
    fn renews(&mut self, bound: Duration, now: Timestamp) -> bool {
        let Some(Head { confirmed_at, .. }) = self.head else { return false };
        if is_within(confirmed_at, bound * 9 / 10, now) || self.renewed == Some(confirmed_at) {
            return false;
        }
        self.renewed = Some(confirmed_at);
        true
    }

    /// Keeps what a function has answered to a pull that the room did not answer. It counts only if nothing
    /// was published since: then the function read HEAD after the room last heard of it, and what it found is
    /// the head, also if that is an earlier one because the tables were put back from a copy.
    pub(super) fn keep(&mut self, page: PageToKeep) {
        if page.generation != self.generation {
            return;
        }
        if self.digests.len() >= DIGESTS_MAX {
            self.digests.clear();
        }
        // Answers may arrive in another order than they were asked for.
        let is_later = self.digests.get(&page.reader).is_none_or(|(_, known)| *known <= page.asked_at);
        if is_later {
            self.digests.insert(page.reader, (page.digest.clone(), page.asked_at));
        }
        let Some(stamp) = page.ends_at else { return };
        let confirmed_at = match self.head {
            Some(head) if head.stamp == stamp => head.confirmed_at.max(page.asked_at),
            _ => {
                self.clear();
                page.asked_at
            }
        };
        self.head = Some(Head { stamp, confirmed_at });
        let Some(body) = page.body else { return };
        let (key_bytes, bytes) = (page.pull.len(), page.pull.len() + body.len());
        if self.bytes + bytes > PAGES_BYTES_MAX {
            self.clear();
        }
        self.bytes += bytes;
        let etag = revalidation::etag(body.as_bytes());
        let replaced = self.pages.insert(page.pull, Page { body, etag, digest: page.digest });
        self.bytes -= replaced.map_or(0, |page| key_bytes + page.body.len());
    }

    /// Notes a commit. `began_at` is when its write got its turn; `None` for a commit that comes late or had
    /// no turn: it does not confirm the head.
    pub(super) fn committed(&mut self, last: Stamp, began_at: Option<Timestamp>) {
        if self.head.is_some_and(|head| last <= head.stamp) {
            return;
        }
        self.generation += 1;
        self.clear();
        self.head = Some(Head { stamp: last, confirmed_at: began_at.unwrap_or(Timestamp(0)) });
    }

    /// Forgets the head: a commit was made, and is about to be published.
    pub(super) fn doubt(&mut self) {
        self.generation += 1;
        self.head = None;
        self.clear();
    }

    fn clear(&mut self) {
        self.pages.clear();
        self.bytes = 0;
    }
}

fn is_within(time: Timestamp, bound: Duration, now: Timestamp) -> bool {
    u128::from(now.0.saturating_sub(time.0)) <= bound.as_micros()
}

#[cfg(test)]
mod tests;
