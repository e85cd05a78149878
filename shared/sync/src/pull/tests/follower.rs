//! A till that follows a room as PROTOCOL.md says.

use std::collections::{BTreeMap, BTreeSet};

use super::shop::{Shop, pull};
use crate::cursor::{Location, Position};
use crate::limits::LOG_SETTLE_SECS;
use crate::pull::query::RoomStart;
use crate::tests::{cursor_keys, of_room};
use protocol::limits::PULL_LIMIT_MAX;
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;

/// Table and id.
type Name = (String, String);

/// A till: per row its stamp and whether it is deleted, and the snapshot that it is in.
#[derive(Clone, Default)]
pub(super) struct Follower {
    pub(super) rows: BTreeMap<Name, (Stamp, bool)>,
    pub(super) cursor: Option<String>,
    /// The table that it pulls; `None` for all.
    pub(super) only: Option<&'static str>,
    pub(super) walk: Option<(String, BTreeSet<Name>)>,
}

impl Follower {
    pub(super) fn take(&mut self, answer: &PullResponse) {
        if let Some(id) = &answer.snapshot_id
            && self.walk.as_ref().is_none_or(|(known, _)| known != id)
        {
            self.walk = Some((id.clone(), BTreeSet::new()));
        }
        for change in &answer.changes {
            let name = (change.table_name.clone(), change.record_id.clone());
            // The first row of a walk replaces an older copy, even one with a later stamp.
            let fresh = self.walk.as_mut().is_some_and(|(_, marked)| marked.insert(name.clone()));
            let known = self.rows.get(&name).map_or(Stamp::ZERO, |known| known.0);
            if fresh || known < change.stamp {
                self.rows.insert(name, (change.stamp, change.is_deleted));
            }
        }
        for record in &answer.damaged {
            if let Some((_, marked)) = &mut self.walk {
                marked.insert((record.table_name.clone(), record.record_id.clone()));
            }
        }
        if !answer.has_more
            && let Some((_, marked)) = self.walk.take()
        {
            self.rows.retain(|name, _| marked.contains(name));
        }
        self.cursor = Some(answer.next_cursor.clone());
    }

    /// Pulls one page; waits if the server is unavailable. True if there is more.
    pub(super) fn follow(&mut self, shop: &mut Shop, limit: usize, torn: (bool, bool)) -> bool {
        let keys = cursor_keys(&["a"]);
        let start = match &self.cursor {
            None => RoomStart::Position(Position::default()),
            Some(text) => match of_room(&keys).read(text).unwrap().place {
                Location::Position(position) => RoomStart::Position(position),
                Location::Walk(walk) => RoomStart::Walk(walk),
                other => unreachable!("one room has no {other:?}"),
            },
        };
        let mut pull = pull(start, limit);
        if let Some(table) = self.only {
            pull.selection.tables = [table.to_owned()].into();
            pull.selection.all = false;
        }
        match shop.page(&pull, torn) {
            Ok(page) => {
                assert!(
                    page.changes.len() <= limit && page.stamp() <= shop.head.stamp,
                    "beyond limit or HEAD"
                );
                let more = page.has_more;
                self.take(&page.response(&pull, of_room(&keys)));
                more
            }
            Err(error) => {
                assert_eq!(error.code, protocol::error::ErrorCode::Unavailable);
                shop.wait(LOG_SETTLE_SECS + 1);
                true
            }
        }
    }

    /// Follows to the end.
    pub(super) fn catch_up(&mut self, shop: &mut Shop, limits: &[usize]) {
        let mut limits = limits.iter().copied().cycle();
        for _ in 0..10_000 {
            if !self.follow(shop, limits.next().unwrap_or(PULL_LIMIT_MAX), (false, false)) {
                return;
            }
        }
        panic!("there is always more");
    }

    /// The live rows.
    pub(super) fn live(&self) -> BTreeMap<Name, Stamp> {
        self.rows.iter().filter(|(_, row)| !row.1).map(|(name, row)| (name.clone(), row.0)).collect()
    }
}
