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
        Some(row) if write.rule.policy == Policy::AppendOnly => over_row_for_ever(row, write),
        Some(row) => over_live(sight, row, write),
    }
}

fn create(sight: &Sight<'_>, write: &Write) -> Decision {
    let append_only = write.rule.policy == Policy::AppendOnly;
    if write.deleted && append_only {
        return Decision::Reject("append_only");
    }
    // A sale is never refused for being late, nor for believing that it is known.
    if write.base.is_some_and(|base| base > 0) && !append_only {
        return Decision::Conflict("deleted_on_server");
    }
    if write.base.is_none() && write.at.saturating_add(TOMBSTONE_MICROS) < sight.now && !append_only {
        return Decision::Reject("too_old");
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
    let device = sight.device.to_owned();
    let row = |data| Row { data, modified_at, device, deleted: write.deleted, ..Row::default() };
    if write.deleted {
        // Sums and states are never set by a delete, so nothing is known of such a record.
        let data = write.data.clone().filter(|_| !write.has_special_table());
        return Decision::Store { row: row(data), flags: Vec::new() };
    }
    let sent = write.data.clone().unwrap_or_default();
    let whole = Write { fields: None, insists: false, ..write.clone() };
    let mut flags = Vec::new();
    let sums = match sums(sight, &Members::new(), &whole, &mut flags) {
        Ok(sums) => sums,
        Err(code) => return Decision::Reject(code),
    };
    for (name, field) in write.rule.fields {
        let begins =
            |initial: &[&str]| sent.get(*name).is_none_or(|value| initial.contains(&&*member::text(value)));
        if matches!(field, Field::State(initial, _) if !begins(initial)) {
            return Decision::Reject("bad_transition");
        }
    }
    let mut data = sent;
    data.extend(sums);
    Decision::Store { row: row(Some(data)), flags }
}

/// A row of an append-only table: only its states move.
fn over_row_for_ever(row: &Row, write: &Write) -> Decision {
    if write.deleted {
        return Decision::Reject("append_only");
    }
    if write.has_delta() {
        return Decision::Reject("bad_delta");
    }
    let (mut data, sent) = (row.data.clone().unwrap_or_default(), write.data.clone().unwrap_or_default());
    let known = data.clone();
    let mut moved = false;
    for name in known.keys().chain(sent.keys()).filter(|name| write.names(name)) {
        match (known.get(name), sent.get(name)) {
            (old, new) if old == new => {}
            (Some(_), None) if write.rule.is_state(name) && write.fields.is_none() => {}
            (_, Some(new)) if write.rule.is_state(name) => {
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
        // Who moved it, and when, says nothing of the row.
        Ok(_) => Decision::Store { row: Row { data: Some(data), ..row.clone() }, flags: Vec::new() },
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
    let stored = row.data.clone().unwrap_or_default();
    let mut flags = Vec::new();
    let special = match special(sight, &stored, write, &mut flags) {
        Ok(special) => special,
        Err(code) => return Decision::Reject(code),
    };
    let Rest { mut data, deleted, reason, asked } = rest(sight, row, write, concurrent);
    let takes_part = asked && (reason.is_none() || data != stored);
    let added = !special.is_empty();
    data.extend(special);
    let changed = data != stored || deleted || added;
    let mut became = Row { data: Some(data).filter(|_| row.data.is_some()), deleted, ..row.clone() };
    if takes_part {
        // Sums and states say nothing of when, or by whom, the rest was written.
        let known = !concurrent && write.base.is_some();
        became.modified_at = write.at.max(row.modified_at + u64::from(known));
        became.device = sight.device.to_owned();
    }
    match reason {
        None if !asked && !changed => Decision::Held,
        None => Decision::Store { row: became, flags },
        Some(reason) if changed => Decision::Merge { row: became, reason },
        Some(reason) => Decision::Conflict(reason),
    }
}

fn special(
    sight: &Sight<'_>,
    stored: &Members,
    write: &Write,
    flags: &mut Vec<&'static str>,
) -> Result<Members, &'static str> {
    if write.deleted {
        return Ok(Members::new());
    }
    let mut special = sums(sight, stored, write, flags)?;
    special.extend(states(stored, write)?);
    Ok(special)
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
    if row.device != sight.device || write.deleted || !from_here {
        return false;
    }
    let stored = row.data.clone().unwrap_or_default();
    let adds_nothing =
        special(sight, &stored, write, &mut Vec::new()).is_ok_and(|special| special.is_empty());
    adds_nothing && rest(sight, row, write, false).data == stored
}

/// The sums after the deltas of a write.
fn sums(
    sight: &Sight<'_>,
    stored: &Members,
    write: &Write,
    flags: &mut Vec<&'static str>,
) -> Result<Members, &'static str> {
    if write.has_stray_delta() {
        return Err("bad_delta");
    }
    let mut sums = Members::new();
    for (name, text) in write.deltas() {
        let Some(Field::Additive(floor)) = write.rule.field(&name) else { continue };
        let delta = number::read(&text).ok_or("bad_delta")?;
        if !sight.named {
            return Err("delta_needs_batch");
        }
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
        // A sum keeps the places of its parts; one that is held at its floor, those of the floor.
        let held = stored.get(&name).map_or("0", String::as_str);
        let places = if sum == old + delta { number::places(&text).max(number::places(held)) } else { 0 };
        sums.insert(name, number::write(sum, places));
    }
    let insists = |name: &str| write.insists && write.names(name);
    let plain = |name: &str| write.value(name).is_none_or(|value| member::delta(value).is_none());
    let required = write.rule.fields.iter().any(|(name, field)| {
        matches!(field, Field::Additive(_))
            && insists(name)
            && plain(name)
            && write.value(name) != stored.get(*name)
    });
    if required { Err("delta_required") } else { Ok(sums) }
}

/// The states that a write moves.
fn states(stored: &Members, write: &Write) -> Result<Members, &'static str> {
    let mut moves = Members::new();
    for (name, field) in write.rule.fields {
        let Field::State(initial, steps) = field else { continue };
        let (held, sent) = (stored.get(*name), write.value(name));
        let Some(sent) = sent.filter(|sent| held != Some(*sent)) else {
            if sent.is_none() && held.is_some() && write.insists && write.names(name) {
                return Err("bad_transition");
            }
            continue;
        };
        let to = member::text(sent);
        let may = match held.map(|held| member::text(held)) {
            Some(from) => steps.contains(&(&from, &to)),
            None => initial.contains(&&*to),
        };
        if !may {
            return Err("bad_transition");
        }
        moves.insert((*name).to_owned(), sent.clone());
    }
    Ok(moves)
}
