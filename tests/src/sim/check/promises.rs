//! I6, I7, told from the log alone: what is deleted stays deleted, what is append-only stays as it is.

use std::collections::BTreeMap;

use protocol::record::Operation;
use protocol::wire::publication::PublishedChange;

use super::history::{History, name, wrong};
use crate::sim::journal::Journal;
use crate::sim::model::{Members, Rule, members, rule};

/// Checks every room's log.
pub fn check(history: &History, journal: &Journal) {
    for room in history.rooms.keys() {
        let mut last: BTreeMap<(&str, &str), &PublishedChange> = BTreeMap::new();
        for (stamp, _, change) in history.changes(room) {
            let key = (change.table_name.as_str(), change.record_id.as_str());
            let before = last.insert(key, change);
            let was_deleted = before.is_some_and(|before| before.operation == Operation::Delete);
            if was_deleted && change.operation == Operation::Update {
                wrong(
                    journal,
                    "promises",
                    room,
                    &format!("{} is updated at {} though deleted", name(change), stamp.0),
                );
            }
            if !before.is_none_or(|before| is_allowed(before, change)) {
                wrong(journal, "promises", room, &format!("{} is changed at {}", name(change), stamp.0));
            }
        }
    }
}

/// Whether a row of an append-only table may change like this: in its states alone.
fn is_allowed(before: &PublishedChange, after: &PublishedChange) -> bool {
    let Some(rule) = rule(&after.table_name).filter(Rule::is_append_only) else { return true };
    let fixed = |change: &PublishedChange| -> Option<Members> {
        let mut members = members(change.data.as_str())?;
        members.retain(|name, _| !rule.is_state(name));
        Some(members)
    };
    after.operation == Operation::Update && fixed(before) == fixed(after)
}
