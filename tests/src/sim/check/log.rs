//! Checks of the log alone.

use std::collections::BTreeMap;

use model::{Members, TableRule, member, table_rule};
use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::wire::publication::PublishedChange;

use super::history::{History, name};
use crate::sim::event_log::EventLog;

/// The size limit of a DynamoDB item in bytes.
const ITEM_BYTES_MAX: usize = 400_000;

/// I3, I4: stamps increase, each log item names its predecessor and the total so far, no item is too large,
/// and each version of a record is written once.
pub(crate) fn check_chain(history: &History, log: &EventLog) {
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
            // After its tombstone is purged, a record starts again above all of its versions.
            let is_restart = change.version > *version && change.operation != Operation::Update;
            if change.version != *version + 1 && !is_restart {
                let (to, at) = (change.version, stamp.0);
                wrong(format!("{} goes from version {version} to {to} at {at}", name(change)));
            }
            *version = change.version;
        }
    }
}

/// I6, I7: deleted records are not updated, and append-only rows change only their states.
pub(crate) fn check_permanence(history: &History, log: &EventLog) {
    for room in history.rooms.keys() {
        let mut last: BTreeMap<(&str, &str), &PublishedChange> = BTreeMap::new();
        for (stamp, change) in history.changes(room) {
            let (record, at) = (name(change), stamp.0);
            let Some(before) = last.insert((&change.table_name, &change.record_id), change) else { continue };
            if before.operation == Operation::Delete && change.operation == Operation::Update {
                let what = format!("{room}: {record} is updated at {at} after its deletion");
                log.violation("permanence", what);
            }
            if !is_allowed(before, change) {
                let what = format!("{room}: the append-only {record} is changed at {at}");
                log.violation("permanence", what);
            }
        }
    }
}

/// Whether the table's rule allows this change of a row.
fn is_allowed(before: &PublishedChange, after: &PublishedChange) -> bool {
    let Some(rule) = table_rule(&after.table_name).filter(TableRule::is_append_only) else { return true };
    let fixed = |change: &PublishedChange| -> Option<Members> {
        let mut members = member::written(change.data.as_str())?;
        members.retain(|name, _| !rule.is_state(name));
        Some(members)
    };
    after.operation == Operation::Update && fixed(before) == fixed(after)
}
