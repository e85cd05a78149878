//! Clearing by pattern: stamps first, which is what makes it true, then the entries, which is what frees memory.
//!
//! All of it stays within one tenant, and within what is cached there: sessions, limits and figures are other kinds of
//! keys. One call is bounded; the next goes on where it stopped.

use super::Cache;
use super::kind::Kind;
use crate::limits::{CACHE_SCAN_KEYS, CACHE_SCAN_STEPS_MAX};
use protocol::ids::ClientId;
use redis_client::command::{Scan, Unlink};
use redis_client::error::RedisError;
use redis_client::keys::{BadGlob, Key, Kind as KeyKind, Pattern};
use redis_client::transport::Transport;

/// What to clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// Everything of the client.
    All,
    /// Entries of a kind whose names match a glob: `<branch>:<table>:<id>` for products and records, `<user>`, `<branch>`
    /// for figures, `<branch>:<cart>`.
    Matching(Kind, &'a str),
}

/// How far it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// Keys that were removed.
    pub removed: u64,
    /// Where the next call goes on; nothing if all is done.
    pub next: Option<String>,
}

/// Why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    /// The pattern may not be used.
    #[error(transparent)]
    Glob(#[from] BadGlob),
    /// The cursor is not from the call before.
    #[error("failed to go on clearing: use the cursor of the answer before, unchanged")]
    Cursor,
    /// Redis did not answer. What was cleared so far is; it can be begun again.
    #[error("failed to clear: {0}")]
    Redis(#[from] RedisError),
}

/// Where a scan over several patterns stands: `<place of the pattern>.<Redis's cursor>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pattern: usize,
    pub(super) cursor: u64,
}

impl Place {
    /// The place that `text` names, the beginning if there is none.
    pub(super) fn read(text: Option<&str>) -> Option<Place> {
        let Some(text) = text else { return Some(Place { pattern: 0, cursor: 0 }) };
        let (pattern, cursor) = text.split_once('.')?;
        Some(Place { pattern: pattern.parse().ok()?, cursor: cursor.parse().ok()? })
    }

    /// As callers carry it.
    pub(super) fn write(self) -> String {
        format!("{}.{}", self.pattern, self.cursor)
    }

    /// The place after a page that says where the `next` begins.
    pub(super) fn after(self, next: Option<u64>) -> Place {
        match next {
            Some(cursor) => Place { cursor, ..self },
            None => Place { pattern: self.pattern + 1, cursor: 0 },
        }
    }
}

impl<T: Transport> Cache<T> {
    /// Clears what `which` says of `client`, on from `cursor`. Each step is one command, and one more if it finds
    /// anything; one call makes [`CACHE_SCAN_STEPS_MAX`] steps.
    ///
    /// What is loaded after the first call has begun may stay: it is no older than the call.
    pub async fn clear(
        &self,
        client: &ClientId,
        which: Which<'_>,
        cursor: Option<&str>,
    ) -> Result<Cleared, ClearError> {
        let patterns = self.patterns(client, which)?;
        let mut place = Place::read(cursor).ok_or(ClearError::Cursor)?;
        self.memory().clear();
        let mut removed = 0;
        for _ in 0..CACHE_SCAN_STEPS_MAX {
            let Some(pattern) = patterns.get(place.pattern) else { break };
            let page = self.patient().run(&Scan::new(place.cursor, pattern, CACHE_SCAN_KEYS)).await?;
            // A key of another tenant cannot come out of this pattern; if it did, it would be left alone.
            let keys: Vec<Key> = page.keys.iter().filter_map(|key| self.keys.found(client, key)).collect();
            if !keys.is_empty() {
                removed += self.patient().run(&Unlink::new(&keys)).await?;
            }
            place = place.after(page.next);
        }
        let next = (place.pattern < patterns.len()).then(|| place.write());
        Ok(Cleared { removed, next })
    }

    fn patterns(&self, client: &ClientId, which: Which<'_>) -> Result<Vec<Pattern>, BadGlob> {
        let entries = [KeyKind::Record, KeyKind::User, KeyKind::Stats, KeyKind::Cart];
        let globs: Vec<(KeyKind, String)> = match which {
            Which::All => {
                std::iter::once(KeyKind::Tag).chain(entries).map(|kind| (kind, "*".to_owned())).collect()
            }
            Which::Matching(kind, glob) => {
                let (entry, tag) = match kind {
                    Kind::Product | Kind::Record => (KeyKind::Record, "record"),
                    Kind::User => (KeyKind::User, "user"),
                    Kind::Stats => (KeyKind::Stats, "room"),
                    // Carts have versions, and no stamps.
                    Kind::Cart => return Ok(vec![self.keys.pattern(client, KeyKind::Cart, glob)?]),
                };
                // Checked before something is put in front of it.
                self.keys.pattern(client, entry, glob)?;
                vec![(KeyKind::Tag, format!("{tag}:{glob}")), (entry, glob.to_owned())]
            }
        };
        globs.iter().map(|(kind, glob)| self.keys.pattern(client, *kind, glob)).collect()
    }
}
