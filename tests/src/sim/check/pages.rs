//! I3: a page from the log has every change that its reader may read between its two positions, in order, and
//! passes over nothing that its function does not know.

use model::table_rule;
use protocol::role::Role;
use protocol::stamp::Stamp;

use super::history::History;
use crate::sim::event_log::{EventLog, PageReply};
use crate::sim::release::Release;

pub(crate) fn check(histories: &[History], log: &EventLog) {
    let pages = log.entries().pages.clone();
    for page in &pages {
        let Some(history) = histories.iter().find(|history| page.call <= history.last_call) else { continue };
        if let Some(what) = difference(history, page) {
            let (room, call, from, to) = (&page.room, page.call, page.from.0, page.to.0);
            log.violation("pages", format!("{room}: the page of call {call}, {from} to {to}, {what}"));
        }
    }
}

fn difference(history: &History, page: &PageReply) -> Option<String> {
    if page.is_snapshot_asked {
        return Some("is of the log, and a snapshot was asked for".to_owned());
    }
    let mut expected: Vec<(&str, &str, Stamp)> = Vec::new();
    for (stamp, change) in history.changes(&page.room) {
        if stamp <= page.from || stamp > page.to {
            continue;
        }
        let (table, id) = (change.table_name.as_str(), change.record_id.as_str());
        if page.release.unknown_tables().contains(&table) {
            return Some(format!("passes over {table} {id} at {}, which it does not know", stamp.0));
        }
        if may_read(page.release, page.role, table) {
            expected.push((table, id, stamp));
        }
    }
    let found = page.changes.iter().map(|(table, id, stamp)| (table.as_str(), id.as_str(), *stamp));
    let found: Vec<_> = found.collect();
    (found != expected).then(|| format!("has {found:?}, not {expected:?}"))
}

/// Whether `role` may read a table by the rules of `release`.
pub(crate) fn may_read(release: Release, role: Role, table: &str) -> bool {
    let is_closed = release == Release::Before && table == "deposits" && role < Role::Manager;
    !is_closed && table_rule(table).is_some_and(|rule| role >= rule.read)
}
