//! What a page of a function says of itself: whether it ends at the head, and whether it can change.

use protocol::limits::LOG_SETTLE_SECS;
use protocol::room_cursor::RoomCursor;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::{CHANGES, SNAPSHOT};
use serde::Deserialize;

/// Seconds for which a page of the log is cached once it is settled and never changes. A log lives longer.
const LOG_PAGE_SECS: u32 = 3600;
/// Seconds for which a page of a snapshot is cached: for tills that begin at about the same time. The log
/// after the snapshot brings what changes meanwhile.
const SNAPSHOT_PAGE_SECS: u32 = 60;

/// The members of a `PullResponse` beside its changes.
#[derive(Debug, Deserialize)]
pub(crate) struct PageEnd {
    pub(crate) has_more: bool,
    pub(crate) next_cursor: String,
    stamp: Stamp,
    pub(super) mode: String,
}

impl PageEnd {
    /// Reads a page.
    pub(crate) fn read(body: &[u8]) -> Result<PageEnd, serde_json::Error> {
        serde_json::from_slice(body)
    }

    /// The room's head, if the page ends there.
    pub(crate) fn head(&self) -> Option<Stamp> {
        let is_end = !self.has_more && self.mode == CHANGES;
        let is_in_tail = RoomCursor::read(&self.next_cursor).is_none_or(|cursor| cursor.is_tail);
        (is_end && !is_in_tail).then_some(self.stamp)
    }

    /// The digest of the tables that the reader may read.
    pub(super) fn digest(&self) -> Option<&str> {
        RoomCursor::read(&self.next_cursor).map(|cursor| cursor.tables)
    }

    /// Seconds for which the page may be cached at `now`; `None` if it may not.
    pub(super) fn lifetime_secs(&self, now: Timestamp) -> Option<u32> {
        if !self.has_more {
            return None;
        }
        let is_settled = self.stamp.time().plus_secs(LOG_SETTLE_SECS) <= now;
        match &*self.mode {
            SNAPSHOT => Some(SNAPSHOT_PAGE_SECS),
            CHANGES if is_settled => Some(LOG_PAGE_SECS),
            _ => None,
        }
    }
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
        let settled = NOW.0 - LOG_SETTLE_SECS * 1_000_000;
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
            assert!(PageEnd::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
