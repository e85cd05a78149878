//! Members with a rule of their own: sums and states.

use crate::decimal;
use crate::member::{self, Members};
use crate::record::Situation;
use crate::rules::{BelowFloor, FieldRule};
use crate::write::Write;

/// The sums and states that a write changes; set sums only if `takes_sets`.
pub(crate) fn sums_and_states(
    situation: &Situation<'_>,
    stored: &Members,
    write: &Write,
    takes_sets: bool,
    flags: &mut Vec<&'static str>,
) -> Result<Members, &'static str> {
    if write.deleted {
        return Ok(Members::new());
    }
    let mut special = sums(situation, stored, write, takes_sets, flags)?;
    special.extend(states(stored, write)?);
    Ok(special)
}

/// The sums after a write.
pub(crate) fn sums(
    situation: &Situation<'_>,
    stored: &Members,
    write: &Write,
    takes_sets: bool,
    flags: &mut Vec<&'static str>,
) -> Result<Members, &'static str> {
    if write.has_stray_change() {
        return Err("bad_delta");
    }
    let mut sums = Members::new();
    for (name, text) in write.sets() {
        let Some(FieldRule::Additive(floor)) = write.rule.field(&name) else { continue };
        let mut sum = decimal::parse(&text).ok_or("bad_delta")?;
        if !takes_sets {
            continue;
        }
        if !situation.has_batch_id {
            return Err("delta_needs_batch");
        }
        if let Some((at, below)) = floor.filter(|(at, _)| sum < *at) {
            match below {
                BelowFloor::Reject => return Err("below_floor"),
                BelowFloor::Clamp => {
                    sum = at;
                    flags.push("clamped_to_floor");
                }
                BelowFloor::Flag => flags.push("below_floor"),
            }
        }
        sums.insert(name, decimal::format(sum, decimal::places(&text)));
    }
    for (name, text) in write.deltas() {
        let Some(FieldRule::Additive(floor)) = write.rule.field(&name) else { continue };
        let delta = decimal::parse(&text).ok_or("bad_delta")?;
        if !situation.has_batch_id {
            return Err("delta_needs_batch");
        }
        let old = stored.get(&name).map_or(Some(0), |value| decimal::parse(value)).ok_or("bad_delta")?;
        let mut sum = old + delta;
        if !decimal::fits(sum) {
            return Err("bad_delta");
        }
        // A positive delta is accepted even if the sum stays below the floor.
        if let Some((at, below)) = floor.filter(|(at, _)| sum < *at && delta < 0) {
            match below {
                BelowFloor::Reject => return Err("below_floor"),
                BelowFloor::Clamp => {
                    sum = at.min(old);
                    flags.push("clamped_to_floor");
                }
                BelowFloor::Flag => flags.push("below_floor"),
            }
        }
        // A sum keeps the places of its parts; a clamped one has those of the floor.
        let before = stored.get(&name).map_or("0", String::as_str);
        let places = if sum == old + delta { decimal::places(&text).max(decimal::places(before)) } else { 0 };
        sums.insert(name, decimal::format(sum, places));
    }
    let is_required = |(name, field): &(&str, FieldRule)| {
        matches!(field, FieldRule::Additive(_))
            && write.explicit_fields
            && write.covers(name)
            && write.value(name).is_none_or(|value| !member::changes_sum(value))
            && write.value(name) != stored.get(*name)
    };
    if write.rule.fields.iter().any(is_required) { Err("delta_required") } else { Ok(sums) }
}

/// The states that a write changes.
pub(crate) fn states(stored: &Members, write: &Write) -> Result<Members, &'static str> {
    let mut changed = Members::new();
    for (name, field) in write.rule.fields {
        let FieldRule::State(initial, transitions) = field else { continue };
        let (old, sent) = (stored.get(*name), write.value(name));
        let Some(sent) = sent.filter(|sent| old != Some(*sent)) else {
            if sent.is_none() && old.is_some() && write.explicit_fields && write.covers(name) {
                return Err("bad_transition");
            }
            continue;
        };
        let to = member::unquote(sent);
        let declared = |state: &str| {
            initial.contains(&state) || transitions.iter().any(|(from, to)| *from == state || *to == state)
        };
        let is_allowed = match old.map(|old| member::unquote(old)) {
            Some(from) if write.may_repair && !declared(&from) => declared(&to),
            Some(from) => transitions.contains(&(&from, &to)),
            None => initial.contains(&&*to),
        };
        if !is_allowed {
            return Err("bad_transition");
        }
        changed.insert((*name).to_owned(), sent.clone());
    }
    Ok(changed)
}
