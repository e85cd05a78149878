//! One record: what a write does to what the server has.

use super::Row;
use super::member::{self, Members};
use super::merge::{Rest, rest};
use super::number;
use super::rules::{Below, Field, Policy};
use super::write::Write;

/// Microseconds for which tombstones are kept: 90 days.
const TOMBSTONE_MICROS: u64 = 90 * 24 * 3600 * 1_000_000;

/// What a write meets.
pub struct Sight<'a> {
    /// What the server has, after the steps of this batch before it.
    pub current: Option<&'a Row>,
    /// Whether such a step has written the record.
    pub own_step: bool,
    /// The version that the record had before the batch.
    pub read: Option<u64>,
    /// Who writes.
    pub device: &'a str,
    /// Whether the batch has an id.
    pub named: bool,
    /// The function's time.
    pub now: u64,
}

/// What becomes of a write.
pub enum Decision {
    /// The record becomes this; version and place follow.
    Store {
        /// The record.
        row: Row,
        /// What is to be said of it.
        flags: Vec<&'static str>,
    },
    /// What could be merged is stored, the rest is a conflict.
    Merge {
        /// The record.
        row: Row,
        /// Why there is a rest.
        reason: &'static str,
    },
    /// The server has it.
    Held,
    /// The server's copy stays.
    Conflict(&'static str),
    /// It cannot be taken.
    Reject(&'static str),
}

/// Decides a write.
pub fn decide(sight: &Sight<'_>, write: &Write) -> Decision {
    match sight.current {
        None => create(sight, write),
        Some(row) if row.deleted => over_tombstone(sight, row, write),
        Some(row) if write.rule.policy == Policy::AppendOnly => over_row_for_ever(sight, row, write),
        Some(row) => over_live(sight, row, write),
    }
}

fn create(sight: &Sight<'_>, write: &Write) -> Decision {
    let append_only = write.rule.policy == Policy::AppendOnly;
    if write.base.is_some_and(|base| base > 0) {
        return Decision::Conflict("deleted_on_server");
    }
    if write.base.is_none() && write.at.saturating_add(TOMBSTONE_MICROS) < sight.now && !append_only {
        return Decision::Reject("too_old");
    }
    if write.deleted && append_only {
        return Decision::Reject("append_only");
    }
    anew(sight, write, write.at)
}

fn over_tombstone(sight: &Sight<'_>, row: &Row, write: &Write) -> Decision {
    if write.deleted {
        return Decision::Held;
    }
    if write.base != Some(0) && write.base != Some(row.version) {
        return Decision::Conflict("deleted_on_server");
    }
    anew(sight, write, write.at.max(row.modified_at + 1))
}

/// A record that is not there becomes what was sent.
fn anew(sight: &Sight<'_>, write: &Write, modified_at: u64) -> Decision {
    let row = |data| Row { data, modified_at, deleted: write.deleted, ..Row::default() };
    if write.deleted {
        return Decision::Store { row: row(write.data.clone()), flags: Vec::new() };
    }
    let sent = write.data.clone().unwrap_or_default();
    let whole = Write { fields: None, ..write.clone() };
    let mut flags = Vec::new();
    let sums = match sums(sight, &Members::new(), &whole, &mut flags) {
        Ok(sums) => sums,
        Err(code) => return Decision::Reject(code),
    };
    for (name, field) in write.rule.fields {
        let begins = |initial: &[&str]| sent.get(*name).is_some_and(|value| initial.contains(&&*member::text(value)));
        if matches!(field, Field::State(initial, _) if !begins(initial)) {
            return Decision::Reject("bad_transition");
        }
    }
    let mut data = sent;
    data.extend(sums);
    Decision::Store { row: row(Some(data)), flags }
}

/// A row of an append-only table: only its states move.
fn over_row_for_ever(sight: &Sight<'_>, row: &Row, write: &Write) -> Decision {
    if write.deleted {
        return Decision::Reject("append_only");
    }
    if write.has_delta() {
        return Decision::Reject(if sight.named { "bad_delta" } else { "delta_needs_batch" });
    }
    let (mut data, sent) = (row.data.clone().unwrap_or_default(), write.data.clone().unwrap_or_default());
    let known = data.clone();
    let mut moved = false;
    for name in known.keys().chain(sent.keys()).filter(|name| write.names(name)) {
        match (known.get(name), sent.get(name)) {
            (old, new) if old == new => {}
            (Some(_), None) if write.rule.is_state(name) && write.fields.is_none() => {}
            (Some(_), Some(new)) if write.rule.is_state(name) => {
                moved = true;
                data.insert(name.clone(), new.clone());
            }
            _ => return Decision::Reject("append_only"),
        }
    }
    if !moved {
        return Decision::Held;
    }
    match states(&known, write) {
        Ok(_) => Decision::Store { row: Row { data: Some(data), modified_at: later(row, write), ..row.clone() }, flags: Vec::new() },
        Err(code) => Decision::Reject(code),
    }
}

fn over_live(sight: &Sight<'_>, row: &Row, write: &Write) -> Decision {
    if is_replay(sight, row, write) {
        return Decision::Held;
    }
    if write.base == Some(0) {
        return Decision::Conflict("already_exists");
    }
    let concurrent = is_concurrent(sight, row, write);
    let modified_at = if !concurrent && write.base.is_some() { write.at.max(row.modified_at + 1) } else { later(row, write) };
    let stored = row.data.clone().unwrap_or_default();
    let mut flags = Vec::new();
    let special = if write.deleted {
        Ok(Members::new())
    } else {
        sums(sight, &stored, write, &mut flags).and_then(|mut sums| {
            sums.extend(states(&stored, write)?);
            Ok(sums)
        })
    };
    let special = match special {
        Ok(special) => special,
        Err(code) => return Decision::Reject(code),
    };
    let Rest { mut data, deleted, reason } = rest(sight, row, write, concurrent);
    data.extend(special);
    let changed = data != stored || deleted;
    let data = Some(data).filter(|_| row.data.is_some() || !write.deleted);
    let row = Row { data, modified_at, deleted, ..row.clone() };
    match reason {
        None => Decision::Store { row, flags },
        Some(reason) if changed => Decision::Merge { row, reason },
        Some(reason) => Decision::Conflict(reason),
    }
}

fn later(row: &Row, write: &Write) -> u64 {
    let step = u64::from(write.base == Some(row.version));
    write.at.max(row.modified_at + step)
}

fn is_concurrent(sight: &Sight<'_>, row: &Row, write: &Write) -> bool {
    match write.base {
        Some(base) => base != row.version && !(sight.own_step && sight.read == Some(base)),
        None => row.modified_at > write.at && row.device != sight.device,
    }
}

/// Whether the device sends what it has sent before, and what the server has is what came of it.
fn is_replay(sight: &Sight<'_>, row: &Row, write: &Write) -> bool {
    let from_here = match write.base {
        Some(base) => base == 0 || row.version == base + 1,
        None => row.modified_at >= write.at,
    };
    if row.device != sight.device || write.deleted || write.has_delta() || !from_here {
        return false;
    }
    let stored = row.data.clone().unwrap_or_default();
    rest(sight, row, write, false).data == stored && states(&stored, write).is_ok_and(|moves| moves.is_empty())
}

/// The sums after the deltas of a write.
fn sums(
    sight: &Sight<'_>,
    stored: &Members,
    write: &Write,
    flags: &mut Vec<&'static str>,
) -> Result<Members, &'static str> {
    let mut sums = Members::new();
    for (name, text) in write.deltas() {
        let Some(Field::Additive(floor)) = write.rule.field(&name) else { return Err("bad_delta") };
        if !sight.named {
            return Err("delta_needs_batch");
        }
        let delta = number::read(&text).ok_or("bad_delta")?;
        let old = stored.get(&name).map_or(Some(0), |value| number::read(value)).ok_or("bad_delta")?;
        let mut sum = old + delta;
        if !number::fits(sum) {
            return Err("bad_delta");
        }
        // What brings something is not held against a shelf that was oversold.
        if let Some((at, below)) = floor.filter(|(at, _)| sum < *at && delta < 0) {
            match below {
                Below::Reject => return Err("below_floor"),
                Below::Clamp => {
                    sum = at.min(old);
                    flags.push("clamped_to_floor");
                }
                Below::Flag => flags.push("below_floor"),
            }
        }
        sums.insert(name, number::write(sum));
    }
    for (name, field) in write.rule.fields {
        let named = write.fields.is_some() && write.names(name);
        let sent = write.value(name).filter(|value| member::delta(value).is_none());
        if matches!(field, Field::Additive(_)) && named && !stored.is_empty() {
            if let Some(sent) = sent.filter(|sent| Some(*sent) != stored.get(*name)) {
                let (sent, held) = (number::read(sent), stored.get(*name).and_then(|held| number::read(held)));
                if sent.is_none() || sent != held {
                    return Err("delta_required");
                }
            }
        }
    }
    Ok(sums)
}

/// The states that a write moves.
fn states(stored: &Members, write: &Write) -> Result<Members, &'static str> {
    let mut moves = Members::new();
    for (name, field) in write.rule.fields {
        let Field::State(_, steps) = field else { continue };
        let Some(sent) = write.value(name) else { continue };
        let held = stored.get(*name);
        if held == Some(sent) {
            continue;
        }
        let (from, to) = (held.map(|held| member::text(held)).unwrap_or_default(), member::text(sent));
        if !steps.contains(&(&from, &to)) {
            return Err("bad_transition");
        }
        moves.insert((*name).to_owned(), sent.clone());
    }
    Ok(moves)
}
