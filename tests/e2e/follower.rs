//! A client that follows pages, snapshots included, by the rules of PROTOCOL.md.

use std::collections::{BTreeMap, BTreeSet};

use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;

use crate::shop::Shop;

/// The rows that a client holds, its cursor, and the snapshot that it is walking through.
#[derive(Clone, Default)]
pub(crate) struct Follower {
    pub(crate) rows: BTreeMap<String, (Stamp, bool)>,
    snapshot: Option<(String, BTreeSet<String>)>,
    pub(crate) cursor: Option<String>,
}

impl Follower {
    /// Applies a page. Returns whether there are more.
    pub(crate) fn apply(&mut self, page: &PullResponse) -> bool {
        assert_eq!(page.snapshot_id.is_some(), page.mode == "snapshot");
        if let Some(id) = &page.snapshot_id
            && self.snapshot.as_ref().is_none_or(|(known, _)| known != id)
        {
            self.snapshot = Some((id.clone(), BTreeSet::new()));
        }
        for change in &page.changes {
            let name = change.record_id.clone();
            let fresh = self.snapshot.as_mut().is_some_and(|(_, marked)| marked.insert(name.clone()));
            if fresh || self.rows.get(&name).is_none_or(|known| known.0 < change.stamp) {
                self.rows.insert(name, (change.stamp, change.is_deleted));
            }
        }
        if !page.has_more
            && let Some((_, marked)) = self.snapshot.take()
        {
            self.rows.retain(|name, _| marked.contains(name));
        }
        self.cursor = Some(page.next_cursor.clone());
        page.has_more
    }

    /// Pulls and applies the next page at the time `now`.
    pub(crate) async fn page(&mut self, shop: &Shop, limit: usize, now: Timestamp) -> PullResponse {
        let cursor = self.cursor.clone().unwrap_or_default();
        let reply = shop.pull_at(&format!("cursor={cursor}&limit={limit}"), now).await;
        let page: PullResponse = reply.ok().unwrap();
        self.apply(&page);
        page
    }

    /// Pulls until there are no more pages. Returns their modes.
    pub(crate) async fn catch_up(&mut self, shop: &Shop, limit: usize, now: Timestamp) -> Vec<String> {
        let mut modes = Vec::new();
        loop {
            let page = self.page(shop, limit, now).await;
            modes.push(page.mode);
            if !page.has_more {
                return modes;
            }
        }
    }

    /// The ids of the live rows, sorted.
    pub(crate) fn live(&self) -> Vec<&str> {
        self.rows.iter().filter(|(_, row)| !row.1).map(|(name, _)| name.as_str()).collect()
    }
}
