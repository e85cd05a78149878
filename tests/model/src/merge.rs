//! The plain members of a record, neither sums nor states: which of two concurrent writes wins.

use crate::member::Members;
use crate::record::{Situation, is_known, knows};
use crate::room::Row;
use crate::rules::{FieldRule, Policy};
use crate::seen;
use crate::write::Write;

pub(crate) struct Merged {
    /// The record's data; sums and states as the server has them.
    pub(crate) data: Members,
    pub(crate) deleted: bool,
    /// Why a part of the write was not taken.
    pub(crate) conflict: Option<&'static str>,
    pub(crate) has_plain: bool,
    /// Whether a plain member was taken because the write is later.
    pub(crate) by_time: bool,
}

/// Merges the plain members of `write` into `row`.
pub(crate) fn merge(situation: &Situation<'_>, row: &Row, write: &Write, concurrent: bool) -> Merged {
    let stored = row.data.clone().unwrap_or_default();
    let has_plain = !is_only_sums_and_states(write);
    let rejected = |reason| Merged {
        data: stored.clone(),
        deleted: false,
        conflict: Some(reason),
        has_plain,
        by_time: false,
    };
    let refused = refused_whole(situation, row, write, concurrent);
    let wins_by_time = concurrent && refused.is_none() && write.is_settled_by_time();
    let accepted = |by_time| {
        let (data, deleted) = (overwritten(&stored, write), write.deleted);
        Merged { data, deleted, conflict: None, has_plain, by_time }
    };
    // A write of nothing but sums and states has no plain members that could conflict.
    if !has_plain {
        return accepted(wins_by_time && !write.sets().is_empty());
    }
    match refused {
        None => accepted(wins_by_time),
        Some("fields_conflict") if !write.deleted => merge_members(situation, &stored, row, write),
        Some(reason) => rejected(reason),
    }
}

/// The reason for which a write that can only be taken whole is refused: a deletion, or a set sum.
pub(crate) fn refused_whole(
    situation: &Situation<'_>,
    row: &Row,
    write: &Write,
    concurrent: bool,
) -> Option<&'static str> {
    if !concurrent {
        return None;
    }
    if write.base.is_some_and(|base| base > row.version) {
        return Some("unknown_version");
    }
    if write.base.is_none() && situation.told.as_ref().is_some_and(|told| told.is_beyond) {
        return Some("unknown_version");
    }
    let unless_later = (!is_later(situation, row, write)).then_some("newer_on_server");
    match write.rule.policy {
        Policy::LastWriter | Policy::AppendOnly => unless_later,
        Policy::Server => Some("server_wins"),
        Policy::Manual => Some("manual"),
        Policy::Client => None,
        Policy::Merge if write.base.is_none() && situation.told.is_none() => unless_later,
        Policy::Merge => Some("fields_conflict"),
    }
}

/// Whether the write is later than what it meets. What the batch itself wrote before is no other side.
fn is_later(situation: &Situation<'_>, row: &Row, write: &Write) -> bool {
    let met = situation.told.as_ref().filter(|_| write.base.is_none()).and_then(|told| told.before);
    let row = met.unwrap_or(row);
    (write.at, situation.device) > (row.modified_at, row.device.as_str())
}

fn is_only_sums_and_states(write: &Write) -> bool {
    !write.deleted
        && write.fields.as_ref().is_some_and(|fields| fields.iter().all(|name| write.rule.is_special(name)))
}

/// The data after the write alone: replaced, or with the named members changed. Sums and states stay.
fn overwritten(stored: &Members, write: &Write) -> Members {
    // A delete keeps the stored data, unless it sends its own and the table has no sums and states.
    let sent = write.data.as_ref().filter(|_| !write.deleted || !write.rule.has_special());
    let Some(sent) = sent else { return stored.clone() };
    if write.deleted {
        return sent.clone();
    }
    let mut data = Members::new();
    for name in stored.keys().chain(sent.keys()) {
        let keeps = write.rule.is_special(name) || !write.covers(name);
        let from = if keeps { stored.get(name) } else { sent.get(name) };
        from.into_iter().for_each(|value| drop(data.insert(name.clone(), value.clone())));
    }
    data
}

/// Merges member by member: the write wins where nothing has changed the member that its client does not know
/// of.
fn merge_members(situation: &Situation<'_>, stored: &Members, row: &Row, write: &Write) -> Merged {
    let is_later = is_later(situation, row, write);
    let wanted = overwritten(stored, write);
    let (mut data, mut conflict, mut by_time) = (stored.clone(), None, false);
    // Equal changes on both sides do not conflict.
    let differing = stored.keys().chain(wanted.keys()).filter(|name| stored.get(*name) != wanted.get(*name));
    for name in differing.filter(|name| !write.rule.is_special(name)) {
        let is_of_others = |version: u64| match write.base {
            Some(base) => version > base && !is_known(situation, row, version),
            None => !seen::knows_version(situation, version),
        };
        let created = match write.base {
            Some(base) => row.created > base && !knows(situation, row, base, row.created),
            None => !seen::knows_creation(situation, row.created),
        };
        let changed = created || row.changed.get(name).is_some_and(|version| is_of_others(*version));
        let accepts = match write.rule.field(name) {
            _ if !changed => true,
            Some(FieldRule::Client) => true,
            Some(FieldRule::Server) => false,
            Some(FieldRule::LastWriter) => {
                by_time |= is_later;
                is_later
            }
            _ => {
                conflict = Some("fields_conflict");
                false
            }
        };
        if accepts {
            match wanted.get(name) {
                Some(value) => drop(data.insert(name.clone(), value.clone())),
                None => drop(data.remove(name)),
            }
        }
    }
    Merged { data, deleted: false, conflict, has_plain: true, by_time }
}
