//! Whether a batch without a marker was applied before: its append-only rows, which are never deleted, show
//! it.

use std::collections::{BTreeMap, BTreeSet};

use protocol::wire::push::PushRequest;

use crate::member;
use crate::numbers::Says;
use crate::record::{Decision, Situation, create, remembered_since};
use crate::room::{Key, Row};
use crate::rules::FieldRule;
use crate::write::Write;

/// Whether a batch was applied before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppliedBefore {
    No,
    Yes,
    /// A commit held its number, and no rows show more.
    Committed,
    Unknown,
    /// The batch tells no time.
    Untold,
}

impl AppliedBefore {
    /// What the simulation has to reach.
    pub(crate) fn situation(self) -> &'static str {
        match self {
            AppliedBefore::No => "late batch that is new",
            AppliedBefore::Yes => "late batch that was applied before",
            AppliedBefore::Committed => "late batch that was committed before",
            AppliedBefore::Unknown => "late batch that may be new",
            AppliedBefore::Untold => "batch without a time",
        }
    }
}

/// Judges the batch `body`, which is read as `writes`, in a room that had its first commit at `first_commit`.
/// `None` if the batch or the room is so young that the batch's marker would still exist. `says` is what the
/// number of the batch says.
pub(crate) fn judge(
    rows: &BTreeMap<Key, Row>,
    damaged: &BTreeSet<Key>,
    writes: &[Write],
    body: &PushRequest,
    now: u64,
    first_commit: u64,
    says: Says,
) -> Option<AppliedBefore> {
    let (since, device) = (remembered_since(now), &body.device_id);
    // A clock that is ahead by as much as the server remembers does not tell when it was.
    let told = |write: &&Write| {
        write.corrected || write.shown.is_some_and(|shown| shown <= signed(now) + signed(now - since))
    };
    let newest = writes.iter().filter(told).map(|write| write.at).max();
    let is_dated = writes.iter().any(|write| write.shown.is_some());
    let newest = newest.unwrap_or_default();
    let is_late = is_dated && newest < since && first_commit < since;
    let is_held = says == Says::MayBeApplied;
    if is_dated && !is_late && !is_held {
        return None;
    }
    let mut found = Vec::new();
    for write in writes.iter().filter(|write| write.is_append_only()) {
        let creates = !write.explicit_fields && write.base.unwrap_or(0) == 0 && !write.deleted;
        match rows.get(&write.key) {
            _ if damaged.contains(&write.key) => found.push(AppliedBefore::Unknown),
            None if is_creatable(write, device, now) => found.push(AppliedBefore::No),
            Some(row) if creates && made(write, row, device) => found.push(AppliedBefore::Yes),
            Some(_) if creates => found.push(AppliedBefore::Unknown),
            _ => {}
        }
    }
    if is_held {
        let is_whole = found.iter().all(|found| *found == AppliedBefore::Yes);
        return Some(match (found.is_empty(), is_whole) {
            (true, _) if is_late => AppliedBefore::Committed,
            (false, true) => AppliedBefore::Yes,
            _ => AppliedBefore::Unknown,
        });
    }
    if body.atomic && found.contains(&AppliedBefore::No) {
        // All of its rows would be there.
        return Some(AppliedBefore::No);
    }
    let first =
        found.first().copied().filter(|first| found.iter().all(|applied_before| applied_before == first));
    let told = first.unwrap_or(AppliedBefore::Unknown);
    Some(if is_dated || told == AppliedBefore::No { told } else { AppliedBefore::Untold })
}

fn signed(micros: u64) -> i64 {
    i64::try_from(micros).unwrap_or(i64::MAX)
}

fn is_creatable(write: &Write, device: &str, now: u64) -> bool {
    let (written_by_batch, version_before, created_by_batch) = (false, None, false);
    let (current, has_batch_id, applied_before) = (None, true, AppliedBefore::No);
    let situation = Situation {
        current,
        written_by_batch,
        version_before,
        created_by_batch,
        first_version: None,
        device,
        number: None,
        told: None,
        has_batch_id,
        now,
        applied_before,
    };
    matches!(create(&situation, write), Decision::Store { .. })
}

/// Whether `write` made `row`, whose states may have moved on since.
pub(crate) fn made(write: &Write, row: &Row, device: &str) -> bool {
    let (Some(stored), Some(sent)) = (&row.data, &write.data) else { return false };
    let names: BTreeSet<&String> = stored.keys().chain(sent.keys()).collect();
    let fits = |name: &String| match (write.rule.field(name), sent.get(name), stored.get(name)) {
        (_, sent, stored) if sent == stored => true,
        (Some(FieldRule::State(..)), None, Some(_)) => true,
        (Some(FieldRule::State(_, steps)), Some(from), Some(to)) => {
            write.base == Some(0) && leads(steps, &member::unquote(from), &member::unquote(to))
        }
        _ => false,
    };
    row.device == device && names.into_iter().all(fits)
}

/// Whether one or more steps lead from one state to another.
fn leads(steps: &[(&str, &str)], from: &str, to: &str) -> bool {
    steps.iter().any(|(start, end)| *start == from && (*end == to || leads(steps, end, to)))
}
