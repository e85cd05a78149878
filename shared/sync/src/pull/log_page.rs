//! One page from the log.

use super::plan::{not_yet, settled};
use super::query::{RoomPull, RoomStart, Window};
use super::{Next, Page};
use crate::limits::PULL_BYTES_MAX;
use crate::log::Damaged;
use crate::snapshot::Head;
use protocol::error::ApiError;
use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishedChange};
use protocol::wire::pull::PulledChange;

/// Cuts a page from `log`, the items after `position` in order; reads no more items than the page needs.
/// `None` if the log lacks the next change, so that only a snapshot helps;
/// [`unavailable`](protocol::error::ErrorCode::Unavailable) if that change may not be readable yet.
///
/// The page ends at the limit, at 2 MiB of data, at HEAD as read, and where the log ends or an item is
/// missing or damaged. A till that follows `next_cursor` until `has_more` is false stands exactly at HEAD.
pub fn page(
    head: &Head,
    pull: &RoomPull,
    position: Stamp,
    log: impl Iterator<Item = Result<Publication, Damaged>>,
    now: Timestamp,
) -> Result<Option<Page>, ApiError> {
    let mut cut = PageCut { head, window: &pull.window, at: position, changes: Vec::new(), bytes: 0 };
    // What is missing if the page stays empty: everything up to HEAD, or up to the first item found.
    let mut missing = head.stamp;
    for item in log {
        let item = match item {
            Ok(item) => item,
            // As if it had expired: once it has settled, a snapshot notes a position at or after its end, so
            // it is met once. Before that, the snapshot's tail would meet it again.
            Err(Damaged { last }) => {
                missing = last;
                break;
            }
        };
        if pull.start == RoomStart::Cursor(cut.at) && item.prev < cut.at && cut.at < item.first {
            // A cursor between two items is from before a restore: this history never gave it out.
            return Ok(None);
        }
        // The item's predecessor is later than our position: items are missing.
        if item.prev > cut.at {
            missing = item.prev;
            break;
        }
        if !cut.take(&item) {
            break;
        }
    }
    if cut.at > position {
        return Ok(Some(cut.page()));
    }
    // The missing items have expired, or are too new to be readable.
    if missing > settled(now) { Err(not_yet()) } else { Ok(None) }
}

struct PageCut<'a> {
    head: &'a Head,
    window: &'a Window,
    at: Stamp,
    changes: Vec<PulledChange>,
    bytes: usize,
}

impl PageCut<'_> {
    /// Takes the new changes of `item`; false if the page is full.
    fn take(&mut self, item: &Publication) -> bool {
        for (i, change) in item.changes.iter().enumerate() {
            let stamp = item.first.plus(i);
            if stamp <= self.at {
                continue;
            }
            let full = self.changes.len() >= self.window.limit || self.bytes >= PULL_BYTES_MAX;
            if full || stamp > self.head.stamp {
                return false;
            }
            self.at = stamp;
            if self.window.tables.contains(&change.table_name) {
                self.bytes += change.data.as_str().len();
                self.changes.push(change_body(item, change, stamp));
            }
        }
        true
    }

    fn page(self) -> Page {
        let has_more = self.at < self.head.stamp;
        Page {
            changes: self.changes,
            damaged: Vec::new(),
            next: Next::Position(self.at),
            has_more,
            snapshot_id: None,
        }
    }
}

fn change_body(item: &Publication, change: &PublishedChange, stamp: Stamp) -> PulledChange {
    PulledChange {
        table_name: change.table_name.clone(),
        record_id: change.record_id.clone(),
        data: change.data.clone(),
        version: change.version,
        stamp,
        server_updated_at: stamp.time().to_string(),
        operation: change.operation,
        is_deleted: change.operation == Operation::Delete,
        device_id: item.device_id.to_string(),
        branch_id: item.branch_id.to_string(),
    }
}
