//! I3, I4: stamps only go up, every log item names its predecessor, totals count, nothing outgrows its item; every
//! version of a record is written once.

use std::collections::BTreeMap;

use protocol::record::Operation;
use protocol::stamp::Stamp;

use super::history::{History, name, wrong};
use crate::sim::journal::Journal;

/// Bytes of a DynamoDB item.
const ITEM_BYTES_MAX: usize = 400_000;

/// Checks every room's chain.
pub fn check(history: &History, journal: &Journal) {
    for (room, commits) in &history.rooms {
        let (mut prev, mut total) = (Stamp::ZERO, 0);
        for commit in commits {
            let publication = &commit.publication;
            total += publication.changes.len() as u64;
            if publication.prev != prev || publication.first <= prev {
                let (found, first) = (publication.prev.0, publication.first.0);
                wrong(
                    journal,
                    "chain",
                    room,
                    &format!("the item at {first} follows {found} and not {}", prev.0),
                );
            }
            if commit.total != total {
                wrong(
                    journal,
                    "chain",
                    room,
                    &format!("an item counts {} changes, there are {total}", commit.total),
                );
            }
            if commit.bytes >= ITEM_BYTES_MAX {
                wrong(journal, "chain", room, &format!("a log item has {} bytes", commit.bytes));
            }
            prev = publication.last();
        }
        let mut versions: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for (stamp, _, change) in history.changes(room) {
            let version = versions.entry((&change.table_name, &change.record_id)).or_default();
            // After a tombstone was purged a record begins anew.
            if change.version != *version + 1
                && !(change.version == 1 && change.operation != Operation::Update)
            {
                let (found, before) = (change.version, *version);
                let what = format!("{} goes from version {before} to {found} at {}", name(change), stamp.0);
                wrong(journal, "chain", room, &what);
            }
            *version = change.version;
        }
    }
}
