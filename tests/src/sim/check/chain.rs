//! I3, I4: stamps increase, each log item names its predecessor and the total so far, no item is too large,
//! and each version of a record is written once.

use std::collections::BTreeMap;

use protocol::record::Operation;
use protocol::stamp::Stamp;

use super::history::{History, name};
use crate::sim::event_log::EventLog;

/// The size limit of a DynamoDB item in bytes.
const ITEM_BYTES_MAX: usize = 400_000;

pub(crate) fn check(history: &History, log: &EventLog) {
    for (room, commits) in &history.rooms {
        let wrong = |what: String| log.violation("chain", format!("{room}: {what}"));
        let (mut prev, mut total) = (Stamp::ZERO, 0);
        for commit in commits {
            let publication = &commit.publication;
            let first = publication.first;
            total += publication.changes.len() as u64;
            if publication.prev != prev || first <= prev {
                let (expected, found) = (prev.0, publication.prev.0);
                wrong(format!("the log item at {} follows {found}, not {expected}", first.0));
            }
            if commit.total != total {
                wrong(format!("a log item counts {} changes, not {total}", commit.total));
            }
            if commit.bytes >= ITEM_BYTES_MAX {
                wrong(format!("a log item has {} bytes", commit.bytes));
            }
            prev = publication.last();
        }
        let mut versions: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (stamp, change) in history.changes(room) {
            let version = versions.entry((&change.table_name, &change.record_id)).or_default();
            // After its tombstone is purged, a record starts again at version 1.
            let is_restart = change.version == 1 && change.operation != Operation::Update;
            if change.version != *version + 1 && !is_restart {
                let (to, at) = (change.version, stamp.0);
                wrong(format!("{} goes from version {version} to {to} at {at}", name(change)));
            }
            *version = change.version;
        }
    }
}
