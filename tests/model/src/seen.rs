//! What a client had seen that tells a `base_stamp`: every change up to it, and what it wrote itself.

use crate::record::{Situation, is_later, remembered_since};
use crate::room::{Row, Written};
use crate::write::Write;

/// Entries of a record that remember who wrote its last versions.
const ENTRIES_MAX: usize = 8;

/// What the client of a batch says, in front of one of its records.
pub(crate) struct BaseStamp<'a> {
    /// It had seen every change up to this stamp.
    pub(crate) stamp: u64,
    /// Whether the room has not come so far.
    pub(crate) is_beyond: bool,
    /// Whether the room has changed since, and may have forgotten a deletion.
    pub(crate) forgets: bool,
    /// The live record before the batch; `None` if there was none.
    pub(crate) before: Option<&'a Row>,
}

/// Forgets the oldest entries. Two of one device that does not number its batches become one.
pub(crate) fn forget(written: &mut Vec<Written>) {
    while let [oldest, next, rest @ ..] = written.as_mut_slice() {
        if rest.len() + 2 <= ENTRIES_MAX {
            break;
        }
        let is_alone = oldest.number.is_none() && next.number.is_none() && oldest.device == next.device;
        if is_alone && oldest.version + 1 == next.first {
            next.first = oldest.first;
        }
        written.remove(0);
    }
}

/// The last version before the batch that the stamp covers, as far as the record shows it.
fn covered(told: &BaseStamp<'_>, before: &Row) -> u64 {
    if before.stamp <= told.stamp {
        return before.version;
    }
    let seen = before.written.iter().filter(|written| written.stamp <= told.stamp);
    seen.map(|written| written.version).max().unwrap_or(0)
}

/// Whether the client wrote a version itself, and not by a batch that its numbers call later.
fn is_by_client(situation: &Situation<'_>, before: &Row, version: u64) -> bool {
    let wrote = before.written.iter().find(|written| (written.first..=written.version).contains(&version));
    wrote.is_some_and(|written| {
        let is_earlier = match (situation.number, written.number) {
            (Some(number), Some(earlier)) => is_later(number, earlier),
            _ => true,
        };
        written.device == situation.device && is_earlier
    })
}

/// Whether the client knows of `version`. The batch itself wrote what came after the record that it met.
pub(crate) fn knows_version(situation: &Situation<'_>, version: u64) -> bool {
    let Some((told, before)) = in_front(situation) else { return false };
    version <= covered(told, before) || version > before.version || is_by_client(situation, before, version)
}

/// Whether the client knows of the creation of the record, and of all versions before it.
pub(crate) fn knows_creation(situation: &Situation<'_>, created: u64) -> bool {
    let Some((told, before)) = in_front(situation) else { return false };
    created <= before.version && knows_up_to(situation, told, before, created)
}

/// Whether the client knows of everything in the record that the batch met.
pub(crate) fn knows_all(situation: &Situation<'_>) -> bool {
    let Some(told) = &situation.told else { return false };
    match told.before {
        None => true,
        Some(_) if told.is_beyond => false,
        Some(before) => knows_up_to(situation, told, before, before.version),
    }
}

fn knows_up_to(situation: &Situation<'_>, told: &BaseStamp<'_>, before: &Row, last: u64) -> bool {
    (covered(told, before) + 1..=last).all(|version| is_by_client(situation, before, version))
}

fn in_front<'a>(situation: &'a Situation<'_>) -> Option<(&'a BaseStamp<'a>, &'a Row)> {
    let told = situation.told.as_ref().filter(|told| !told.is_beyond)?;
    Some((told, told.before?))
}

/// Whether a record that the server lacks may have been deleted and forgotten since the client has seen the
/// room. A client that has seen nothing can only create.
pub(crate) fn is_outdated(situation: &Situation<'_>) -> bool {
    let told = situation.told.as_ref().filter(|told| told.stamp > 0 && told.forgets);
    told.is_some_and(|told| told.stamp < remembered_since(situation.now))
}

/// What the simulation has to reach.
pub(crate) fn situation(situation: &Situation<'_>, write: &Write) -> Option<&'static str> {
    let told = situation.told.as_ref().filter(|_| write.base.is_none() && !write.is_append_only())?;
    let before = told.before?;
    Some(match () {
        () if told.is_beyond => "base stamp beyond the head",
        () if before.stamp <= told.stamp => "base stamp that covers the record",
        () if knows_all(situation) => "base stamp before the device's own writes",
        () => "base stamp before the writes of others",
    })
}
