//! One record: what a write does to the stored state.

use crate::member::{self, Members};
use crate::merge::{Merged, merge, refused_whole};
use crate::room::Row;
use crate::rules::{FieldRule, Policy};
use crate::special::{states, sums, sums_and_states};
use crate::write::Write;

/// Microseconds that tombstones are kept: 90 days.
const TOMBSTONE_MICROS: u64 = 90 * 24 * 3600 * 1_000_000;

/// The state that a write meets.
pub(crate) struct Situation<'a> {
    /// The record after the earlier writes of this batch.
    pub(crate) current: Option<&'a Row>,
    /// Whether an earlier write of this batch changed the record.
    pub(crate) written_by_batch: bool,
    pub(crate) version_before: Option<u64>,
    pub(crate) created_by_batch: bool,
    pub(crate) device: &'a str,
    pub(crate) has_batch_id: bool,
    /// The function's time in microseconds.
    pub(crate) now: u64,
}

pub(crate) enum Decision {
    /// Stores this row; the batch sets version and stamp.
    Store {
        row: Row,
        flags: Vec<&'static str>,
    },
    /// Stores the part that could be merged and reports the rest as a conflict.
    Merge {
        row: Row,
        reason: &'static str,
    },
    AlreadyApplied,
    /// The server's copy stays.
    Conflict(&'static str),
    Reject(&'static str),
}

pub(crate) fn decide(situation: &Situation<'_>, write: &Write) -> Decision {
    match situation.current {
        None => create(situation, write),
        Some(row) if row.deleted => over_tombstone(situation, row, write),
        Some(row) if write.rule.policy == Policy::AppendOnly => over_append_only(row, write),
        Some(row) => over_live(situation, row, write),
    }
}

fn create(situation: &Situation<'_>, write: &Write) -> Decision {
    let append_only = write.rule.policy == Policy::AppendOnly;
    if write.deleted && append_only {
        return Decision::Reject("append_only");
    }
    // An append-only row, such as a sale, is accepted however late it comes and whatever base version it
    // names.
    if write.base.is_some_and(|base| base > 0) && !append_only {
        return Decision::Conflict("deleted_on_server");
    }
    if write.base.is_none() && write.at.saturating_add(TOMBSTONE_MICROS) < situation.now && !append_only {
        return Decision::Reject("too_old");
    }
    insert(situation, write, write.at)
}

fn over_tombstone(situation: &Situation<'_>, row: &Row, write: &Write) -> Decision {
    if write.deleted {
        return Decision::AlreadyApplied;
    }
    if write.base != Some(0) && write.base != Some(row.version) {
        return Decision::Conflict("deleted_on_server");
    }
    insert(situation, write, write.at.max(row.modified_at + 1))
}

/// Stores a record that does not exist, or no longer.
fn insert(situation: &Situation<'_>, write: &Write, modified_at: u64) -> Decision {
    let device = situation.device.to_owned();
    let row = |data| Row { data, modified_at, device, deleted: write.deleted, ..Row::default() };
    if write.deleted {
        // A delete never sets sums and states, so the tombstone of such a table has no data.
        let data = write.data.clone().filter(|_| !write.rule.has_special());
        return Decision::Store { row: row(data), flags: Vec::new() };
    }
    let sent = write.data.clone().unwrap_or_default();
    let replacing = Write { fields: None, explicit_fields: false, ..write.clone() };
    let mut flags = Vec::new();
    let sums = match sums(situation, &Members::new(), &replacing, true, &mut flags) {
        Ok(sums) => sums,
        Err(code) => return Decision::Reject(code),
    };
    for (name, field) in write.rule.fields {
        let is_initial = |initial: &[&str]| {
            sent.get(*name).is_none_or(|value| initial.contains(&&*member::unquote(value)))
        };
        if matches!(field, FieldRule::State(initial, _) if !is_initial(initial)) {
            return Decision::Reject("bad_transition");
        }
    }
    let mut data = sent;
    data.extend(sums);
    Decision::Store { row: row(Some(data)), flags }
}

/// An append-only row: only its states may change.
fn over_append_only(row: &Row, write: &Write) -> Decision {
    if write.deleted {
        return Decision::Reject("append_only");
    }
    if write.has_stray_change() {
        return Decision::Reject("bad_delta");
    }
    let (stored, sent) = (row.data.clone().unwrap_or_default(), write.data.clone().unwrap_or_default());
    let mut data = stored.clone();
    for name in stored.keys().chain(sent.keys()).filter(|name| write.covers(name)) {
        match (stored.get(name), sent.get(name)) {
            (old, new) if old == new => {}
            (Some(_), None) if write.rule.is_state(name) && write.fields.is_none() => {}
            (_, Some(new)) if write.rule.is_state(name) => drop(data.insert(name.clone(), new.clone())),
            _ => return Decision::Reject("append_only"),
        }
    }
    if data == stored {
        return Decision::AlreadyApplied;
    }
    match states(&stored, write) {
        // A transition does not change the row's time and device.
        Ok(_) => Decision::Store { row: Row { data: Some(data), ..row.clone() }, flags: Vec::new() },
        Err(code) => Decision::Reject(code),
    }
}

fn over_live(situation: &Situation<'_>, row: &Row, write: &Write) -> Decision {
    if is_replay(situation, row, write) {
        return Decision::AlreadyApplied;
    }
    if write.base == Some(0) && !situation.created_by_batch {
        return Decision::Conflict("already_exists");
    }
    let concurrent = is_concurrent(situation, row, write);
    let stored = row.data.clone().unwrap_or_default();
    let mut flags = Vec::new();
    // A set sum would undo what others did to it, so it is refused where the write is older than that.
    let refused = refused_whole(situation, row, write, concurrent)
        .filter(|_| !write.deleted && !write.sets().is_empty());
    let special = match sums_and_states(situation, &stored, write, refused.is_none(), &mut flags) {
        Ok(special) => special,
        Err(code) => return Decision::Reject(code),
    };
    let Merged { mut data, deleted, conflict, has_plain } = merge(situation, row, write, concurrent);
    let conflict = refused.or(conflict);
    let sets_author = has_plain && (conflict.is_none() || data != stored);
    let has_special = !special.is_empty();
    data.extend(special);
    let changed = data != stored || deleted || has_special;
    let mut next = Row { data: Some(data).filter(|_| row.data.is_some()), deleted, ..row.clone() };
    if sets_author {
        // Sums and states do not change the row's time and device.
        let is_successor = !concurrent && write.base.is_some();
        next.modified_at = write.at.max(row.modified_at + u64::from(is_successor));
        next.device = situation.device.to_owned();
    }
    match conflict {
        None if !has_plain && !changed => Decision::AlreadyApplied,
        None => Decision::Store { row: next, flags },
        Some(reason) if changed => Decision::Merge { row: next, reason },
        Some(reason) => Decision::Conflict(reason),
    }
}

fn is_concurrent(situation: &Situation<'_>, row: &Row, write: &Write) -> bool {
    match write.base {
        Some(0) => !situation.created_by_batch,
        Some(base) => {
            let is_own = situation.written_by_batch && situation.version_before == Some(base);
            base != row.version && !is_own
        }
        None => row.modified_at > write.at && row.device != situation.device,
    }
}

/// Whether the device repeats a write whose result the server has.
fn is_replay(situation: &Situation<'_>, row: &Row, write: &Write) -> bool {
    let may_follow = match write.base {
        Some(base) => base == 0 || row.version == base + 1,
        None => row.modified_at >= write.at,
    };
    if row.device != situation.device || write.deleted || !may_follow {
        return false;
    }
    let stored = row.data.clone().unwrap_or_default();
    let special = sums_and_states(situation, &stored, write, true, &mut Vec::new());
    special.is_ok_and(|special| special.is_empty()) && merge(situation, row, write, false).data == stored
}
