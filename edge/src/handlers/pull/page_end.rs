//! What a page of a function says of itself: whether it ends at the head, and whether it can change.

use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::{CHANGES, SNAPSHOT};
use serde::Deserialize;

/// Seconds after which all parts of a commit can be read everywhere. A page of the log up to there never
/// changes.
const SETTLED_SECS: u64 = 60;
/// Seconds for which a page of the log is cached. A log lives longer.
const LOG_PAGE_SECS: u32 = 3600;
/// Seconds for which a page of a snapshot is cached: for tills that begin at about the same time. The log
/// after the snapshot brings what changes meanwhile.
const SNAPSHOT_PAGE_SECS: u32 = 60;

/// The members of a `PullResponse` beside its changes.
#[derive(Debug, Deserialize)]
pub(super) struct PageEnd {
    has_more: bool,
    next_cursor: String,
    stamp: Stamp,
    mode: String,
}

impl PageEnd {
    /// Reads a page; `None` for anything else.
    pub(super) fn read(body: &[u8]) -> Option<PageEnd> {
        serde_json::from_slice(body).ok()
    }

    /// The room's head, if the page ends there.
    pub(super) fn head(&self) -> Option<Stamp> {
        let is_end = !self.has_more && self.mode == CHANGES;
        // A cursor with a fourth part is in the tail of a snapshot.
        (is_end && self.next_cursor.split('.').count() == 3).then_some(self.stamp)
    }

    /// The digest of the tables that the reader may read.
    pub(super) fn digest(&self) -> Option<&str> {
        digest(&self.next_cursor)
    }

    /// Seconds for which the page may be cached at `now`; `None` if it may not.
    pub(super) fn lifetime_secs(&self, now: Timestamp) -> Option<u32> {
        if !self.has_more {
            return None;
        }
        let is_settled = self.stamp.0.saturating_add(SETTLED_SECS * 1_000_000) <= now.0;
        match &*self.mode {
            SNAPSHOT => Some(SNAPSHOT_PAGE_SECS),
            CHANGES if is_settled => Some(LOG_PAGE_SECS),
            _ => None,
        }
    }
}

/// The digest of tables in a cursor of one room: `p1.<stamp>.<digest>…` or `w1.<digest>.…`.
pub(super) fn digest(cursor: &str) -> Option<&str> {
    let mut parts = cursor.split('.');
    let digest = match parts.next()? {
        "p1" => parts.nth(1)?,
        "w1" => parts.next()?,
        _ => return None,
    };
    (!digest.is_empty()).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

    fn end(mode: &str, has_more: bool, next_cursor: &str, stamp: u64) -> PageEnd {
        let page = serde_json::json!({
            "changes": [], "mode": mode, "has_more": has_more, "next_cursor": next_cursor, "stamp": stamp,
        });
        PageEnd::read(page.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn only_the_last_page_of_the_log_ends_at_the_head() {
        assert_eq!(end(CHANGES, false, "p1.5.x", 5).head(), Some(Stamp(5)));
        for other in [
            end(CHANGES, true, "p1.5.x", 5),
            end(SNAPSHOT, false, "p1.5.x", 5),
            end(CHANGES, false, "p1.5.x.9", 5),
        ] {
            assert_eq!(other.head(), None, "{other:?}");
        }
    }

    #[test]
    fn a_page_of_the_log_is_cached_once_it_is_settled() {
        let settled = NOW.0 - SETTLED_SECS * 1_000_000;
        let log = |has_more, stamp| end(CHANGES, has_more, "p1.5.x", stamp);
        assert_eq!(log(true, settled).lifetime_secs(NOW), Some(LOG_PAGE_SECS));
        assert_eq!(log(true, settled + 1).lifetime_secs(NOW), None);
        assert_eq!(log(false, settled).lifetime_secs(NOW), None);
        let snapshot = end(SNAPSHOT, true, "w1.x.k.abc", NOW.0);
        assert_eq!(snapshot.lifetime_secs(NOW), Some(SNAPSHOT_PAGE_SECS));
    }

    #[test]
    fn nonsense_is_no_page() {
        for body in ["", "{}", "null", r#"{"changes":[]}"#, "<html>"] {
            assert!(PageEnd::read(body.as_bytes()).is_none(), "{body}");
        }
        for cursor in ["", "p1", "p1.5", "p1.5.", "w1.", "h1.x", "v1.5.x"] {
            assert_eq!(digest(cursor), None, "{cursor}");
        }
    }
}
