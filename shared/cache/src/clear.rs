//! Clearing by pattern: first the tag versions, which invalidates the entries, then the entries, which frees
//! memory.
//!
//! Clears one client's cached entries only; sessions, rate limits and statistics are other kinds of keys. One
//! call is limited; the next continues where it stopped.

use super::kind::EntryKind;
use super::{Cache, Clock};
use crate::limits::{CACHE_SCAN_KEYS, CACHE_SCAN_STEPS_MAX};
use protocol::ids::ClientId;
use redis_client::command::{scan, unlink};
use redis_client::error::RedisError;
use redis_client::keys::{BadGlob, Key, KeyKind, Pattern};
use redis_client::transport::Transport;

/// What to clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// All entries of the client.
    All,
    /// Entries of a kind whose names match a glob: `<branch>:<table>:<id>` for products and records, `<user>`
    /// for users, `<branch>` for statistics, `<branch>:<cart>` for carts.
    Matching(EntryKind, &'a str),
}

/// Progress of a clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// Number of removed keys.
    pub removed: u64,
    /// Cursor for the next call; `None` at the end.
    pub next: Option<String>,
}

/// Why a clear failed.
#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    /// The glob is invalid.
    #[error(transparent)]
    Glob(#[from] BadGlob),
    /// The cursor is not from a previous call.
    #[error("failed to go on clearing: use the cursor of the answer before, unchanged")]
    Cursor,
    /// Redis did not respond. Keys may have been removed; the clear can be started again.
    #[error("failed to clear: {0}")]
    Redis(#[from] RedisError),
}

/// The position of a scan over several patterns. As text: `<index of the pattern>.<Redis's cursor>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    pattern: usize,
    cursor: u64,
}

impl Position {
    /// Reads a cursor; the start if there is none.
    fn read(text: Option<&str>) -> Option<Position> {
        let Some(text) = text else { return Some(Position { pattern: 0, cursor: 0 }) };
        let (pattern, cursor) = text.split_once('.')?;
        Some(Position { pattern: pattern.parse().ok()?, cursor: cursor.parse().ok()? })
    }

    /// The cursor as text.
    fn write(self) -> String {
        format!("{}.{}", self.pattern, self.cursor)
    }

    /// The position after a page whose next cursor is `next`.
    fn after(self, next: Option<u64>) -> Position {
        match next {
            Some(cursor) => Position { cursor, ..self },
            None => Position { pattern: self.pattern + 1, cursor: 0 },
        }
    }
}

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Clears the entries of `client` in `scope`, starting at `cursor`. One call makes at most
    /// [`CACHE_SCAN_STEPS_MAX`] steps; a step is one command, and one more if it finds keys.
    ///
    /// Entries that were loaded after the first call began may stay: they are up to date.
    pub async fn clear(
        &self,
        client: &ClientId,
        scope: Scope<'_>,
        cursor: Option<&str>,
    ) -> Result<Cleared, ClearError> {
        let patterns = self.patterns(client, scope)?;
        let mut position = Position::read(cursor).ok_or(ClearError::Cursor)?;
        self.memory().clear();
        let mut removed = 0;
        for _ in 0..CACHE_SCAN_STEPS_MAX {
            let Some(pattern) = patterns.get(position.pattern) else { break };
            let page = self.patient().run(&scan(position.cursor, pattern, CACHE_SCAN_KEYS)).await?;
            // The pattern finds no other client's keys; if it did, they would be left alone.
            let keys: Vec<Key> = page.keys.iter().filter_map(|key| self.keys.parse(client, key)).collect();
            if !keys.is_empty() {
                removed += self.patient().run(&unlink(&keys)).await?;
            }
            position = position.after(page.next);
        }
        let next = (position.pattern < patterns.len()).then(|| position.write());
        Ok(Cleared { removed, next })
    }

    fn patterns(&self, client: &ClientId, scope: Scope<'_>) -> Result<Vec<Pattern>, BadGlob> {
        let entries = [KeyKind::Record, KeyKind::User, KeyKind::Stats, KeyKind::Cart];
        let globs: Vec<(KeyKind, String)> = match scope {
            Scope::All => {
                std::iter::once(KeyKind::Tag).chain(entries).map(|kind| (kind, "*".to_owned())).collect()
            }
            Scope::Matching(kind, glob) => {
                let (entry, tag) = match kind {
                    EntryKind::Product | EntryKind::Record => (KeyKind::Record, "record"),
                    EntryKind::User => (KeyKind::User, "user"),
                    EntryKind::Stats => (KeyKind::Stats, "room"),
                    // Carts have no tags.
                    EntryKind::Cart => return Ok(vec![self.keys.pattern(client, KeyKind::Cart, glob)?]),
                };
                // Checks the glob before a prefix makes it longer.
                self.keys.pattern(client, entry, glob)?;
                vec![(KeyKind::Tag, format!("{tag}:{glob}")), (entry, glob.to_owned())]
            }
        };
        globs.iter().map(|(kind, glob)| self.keys.pattern(client, *kind, glob)).collect()
    }
}
