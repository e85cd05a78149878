//! One record: what a write does to the stored state.

use crate::applied_before::{self, AppliedBefore};
use crate::member::{self, Members};
use crate::merge::{Merged, merge, refused_whole};
use crate::room::{Row, Written};
use crate::rules::FieldRule;
use crate::seen::{self, BaseStamp};
use crate::special::{states, sums, sums_and_states};
use crate::write::Write;

/// Microseconds for which the server certainly remembers tombstones and batches: 90 days, less 10 minutes by
/// which clocks may differ.
const REMEMBERED_MICROS: u64 = (90 * 24 * 60 - 10) * 60 * 1_000_000;

/// Versions of a record of which the server knows who wrote them.
pub(crate) const WRITTEN_MAX: u64 = 8;

/// The time before which tombstones and batches may be forgotten.
pub(crate) fn remembered_since(now: u64) -> u64 {
    now.saturating_sub(REMEMBERED_MICROS)
}

/// The state that a write meets.
pub(crate) struct Situation<'a> {
    /// The record after the earlier writes of this batch.
    pub(crate) current: Option<&'a Row>,
    /// Whether an earlier write of this batch changed the record.
    pub(crate) written_by_batch: bool,
    pub(crate) version_before: Option<u64>,
    pub(crate) created_by_batch: bool,
    /// The version that this batch gave a record which did not exist.
    pub(crate) first_version: Option<u64>,
    pub(crate) device: &'a str,
    /// The number of the batch.
    pub(crate) number: Option<u64>,
    /// What the client says that it had seen.
    pub(crate) told: Option<BaseStamp<'a>>,
    pub(crate) has_batch_id: bool,
    /// The function's time in microseconds.
    pub(crate) now: u64,
    pub(crate) applied_before: AppliedBefore,
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
    let decision = match situation.current {
        None => create(situation, write),
        Some(row) if row.deleted => over_tombstone(situation, row, write),
        Some(row) if write.is_append_only() => over_append_only(situation, row, write),
        Some(row) => over_live(situation, row, write),
    };
    let is_new = write.is_append_only()
        || situation.current.zip(write.base).is_some_and(|(row, base)| is_current(situation, row, base));
    match (&decision, situation.applied_before) {
        (Decision::Store { .. } | Decision::Merge { .. }, AppliedBefore::Yes) if !is_new => {
            Decision::AlreadyApplied
        }
        (Decision::Store { .. } | Decision::Merge { .. }, AppliedBefore::Unknown) if !is_new => {
            Decision::Reject("too_old")
        }
        (Decision::Store { .. } | Decision::Merge { .. }, AppliedBefore::Untold)
            if !is_new && is_over_live(situation) && write.adds() =>
        {
            Decision::Reject("undated_delta")
        }
        _ => decision,
    }
}

/// Whether the record was there before the batch, and is.
fn is_over_live(situation: &Situation<'_>) -> bool {
    let is_live = situation.current.is_some_and(|row| !row.deleted);
    is_live && situation.version_before.is_some() && !situation.created_by_batch
}

pub(crate) fn create(situation: &Situation<'_>, write: &Write) -> Decision {
    let append_only = write.is_append_only();
    if write.deleted && append_only {
        return Decision::Reject("append_only");
    }
    // An append-only row, such as a sale, is accepted however late it comes and whatever base version it
    // names.
    if write.base.is_some_and(|base| base > 0) && !append_only {
        return Decision::Conflict("deleted_on_server");
    }
    let is_old = write.made_at < remembered_since(situation.now) || seen::is_outdated(situation);
    if write.base.is_none() && is_old && !append_only {
        return Decision::Reject("too_old");
    }
    let says_more = situation.told.as_ref().is_some_and(|told| !told.is_beyond);
    let claims_only_time = write.base.is_none() && !write.deleted && !write.asks_timeless() && !says_more;
    if write.ahead && claims_only_time && write.is_settled_by_time() {
        return Decision::Reject("clock_ahead");
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
fn over_append_only(situation: &Situation<'_>, row: &Row, write: &Write) -> Decision {
    let is_late = situation.applied_before != AppliedBefore::No;
    if is_late && write.base == Some(0) && applied_before::made(write, row, situation.device) {
        return Decision::AlreadyApplied;
    }
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
    if write.base == Some(0) && !situation.created_by_batch && !knows(situation, row, 0, row.version) {
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
    let Merged { mut data, deleted, conflict, has_plain, by_time } = merge(situation, row, write, concurrent);
    let conflict = refused.or(conflict);
    // Deltas and states do not depend on the time.
    let moves_state = states(&stored, write).is_ok_and(|moved| !moved.is_empty());
    let is_timeless = !write.deleted && (moves_state || !write.deltas().is_empty());
    if write.ahead && by_time && !is_timeless {
        return Decision::Reject("clock_ahead");
    }
    let sets_author = has_plain && (conflict.is_none() || data != stored);
    let has_special = !special.is_empty();
    data.extend(special);
    let changed = data != stored || deleted || has_special;
    let mut next = Row { data: Some(data).filter(|_| row.data.is_some()), deleted, ..row.clone() };
    if sets_author {
        // Sums and states do not change the row's time and device.
        let is_successor = !concurrent && (write.base.is_some() || situation.told.is_some());
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
        Some(base) => !is_current(situation, row, base),
        None if situation.told.is_some() => !seen::knows_all(situation),
        // A time that is not believed does not tell which write is later.
        None => (row.modified_at > write.at || write.ahead) && row.device != situation.device,
    }
}

/// Whether a write from the version `base` follows what the server holds.
fn is_current(situation: &Situation<'_>, row: &Row, base: u64) -> bool {
    let is_own = situation.written_by_batch && situation.version_before == Some(base);
    let is_of_own_create = situation.created_by_batch && base == 0;
    // A till counts from 1, whatever the first version of its new record is.
    let is_counted = situation.first_version.is_some_and(|first| base == row.version - first + 1);
    base == row.version
        || is_own
        || is_of_own_create
        || is_counted
        || knows(situation, row, base, row.version)
}

/// Whether the device's earlier batches wrote `version`.
pub(crate) fn is_known(situation: &Situation<'_>, row: &Row, version: u64) -> bool {
    let wrote = |written: &Written| {
        written.version == version
            && written.device == situation.device
            && situation.number.zip(written.number).is_some_and(|(number, earlier)| is_later(number, earlier))
    };
    row.written.iter().any(wrote)
}

/// Whether `number` is that of a later batch of the same installation than `earlier`.
pub(crate) fn is_later(number: u64, earlier: u64) -> bool {
    (1..=10_000).contains(&number.saturating_sub(earlier))
}

/// Whether the device's earlier batches wrote every version after `base` up to `last`; of a record that the
/// device created, `base` 0 is the version before its creation.
pub(crate) fn knows(situation: &Situation<'_>, row: &Row, base: u64, last: u64) -> bool {
    let created =
        row.written.iter().rev().find(|written| written.creates && is_known(situation, row, written.version));
    let first = match (base, created) {
        (0, Some(created)) => created.version,
        (0, None) => return false,
        (base, _) => base + 1,
    };
    first <= last
        && last - first < WRITTEN_MAX
        && (first..=last).all(|version| is_known(situation, row, version))
}

/// Whether the device repeats a write whose result the server has.
fn is_replay(situation: &Situation<'_>, row: &Row, write: &Write) -> bool {
    let may_follow = match write.base {
        Some(base) => {
            let before = row.version.saturating_sub(1);
            base == 0 || base == before || (base < before && knows(situation, row, base, before))
        }
        None => row.modified_at >= write.at || write.ahead,
    };
    if row.device != situation.device || write.deleted || !may_follow {
        return false;
    }
    let stored = row.data.clone().unwrap_or_default();
    let special = sums_and_states(situation, &stored, write, true, &mut Vec::new());
    special.is_ok_and(|special| special.is_empty()) && merge(situation, row, write, false).data == stored
}
