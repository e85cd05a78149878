//! I6, I7, by the log alone: deleted records are not updated, and append-only rows change only their states.

use std::collections::BTreeMap;

use model::{Members, TableRule, member, table_rule};
use protocol::record::Operation;
use protocol::wire::publication::PublishedChange;

use super::history::{History, name};
use crate::sim::event_log::EventLog;

pub(crate) fn check(history: &History, log: &EventLog) {
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
        let mut members = member::parse(change.data.as_str())?;
        members.retain(|name, _| !rule.is_state(name));
        Some(members)
    };
    after.operation == Operation::Update && fixed(before) == fixed(after)
}
