//! The members without a life of their own: who wins when two wrote at the same time.

use super::Row;
use super::member::Members;
use super::record::Sight;
use super::rules::{Field, Policy};
use super::write::Write;

/// What the rest of a write leads to.
pub struct Rest {
    /// The data, with sums and states as the server has them.
    pub data: Members,
    /// Whether the record is deleted.
    pub deleted: bool,
    /// Why something of the write is not in it.
    pub reason: Option<&'static str>,
    /// Whether the write is about more than sums and states.
    pub asked: bool,
}

/// What becomes of the members of `write` that are neither sums nor states.
pub fn rest(sight: &Sight<'_>, row: &Row, write: &Write, concurrent: bool) -> Rest {
    let stored = row.data.clone().unwrap_or_default();
    let asked = !is_only_special(write);
    let kept = |reason| Rest { data: stored.clone(), deleted: false, reason: Some(reason), asked };
    let taken = || Rest { data: whole(&stored, write), deleted: write.deleted, reason: None, asked };
    // A write of nothing but deltas and states is concurrent with nothing.
    if !concurrent || !asked {
        return taken();
    }
    let later = (write.at, sight.device) > (row.modified_at, row.device.as_str());
    match write.rule.policy {
        Policy::LastWriter | Policy::AppendOnly if later => taken(),
        Policy::LastWriter | Policy::AppendOnly => kept("newer_on_server"),
        Policy::Server => kept("server_wins"),
        Policy::Manual => kept("manual"),
        Policy::Client => taken(),
        Policy::Merge => match write.base {
            None if later => taken(),
            None => kept("newer_on_server"),
            Some(_) if write.deleted => kept("fields_conflict"),
            Some(base) => merged(&stored, row, write, base, later),
        },
    }
}

fn is_only_special(write: &Write) -> bool {
    let special = |name: &String| write.rule.is_additive(name) || write.rule.is_state(name);
    !write.deleted && write.fields.as_ref().is_some_and(|fields| fields.iter().all(special))
}

/// The data after the write alone: replaced, or with its named members changed. Sums and states stay.
fn whole(stored: &Members, write: &Write) -> Members {
    // A delete keeps what there was, unless it says otherwise of a record without sums and states.
    let sent = write.data.as_ref().filter(|_| !write.deleted || !write.has_special_table());
    let Some(sent) = sent else { return stored.clone() };
    if write.deleted {
        return sent.clone();
    }
    let mut data = Members::new();
    let names = stored.keys().chain(sent.keys());
    for name in names {
        let special = write.rule.is_additive(name) || write.rule.is_state(name);
        let from = if special || !write.names(name) { stored.get(name) } else { sent.get(name) };
        from.into_iter().for_each(|value| drop(data.insert(name.clone(), value.clone())));
    }
    data
}

/// Member by member: what the server did not change since `base` is taken.
fn merged(stored: &Members, row: &Row, write: &Write, base: u64, later: bool) -> Rest {
    let wanted = whole(stored, write);
    let (mut data, mut reason) = (stored.clone(), None);
    // Two who made the same change agree.
    let differing = stored.keys().chain(wanted.keys()).filter(|name| stored.get(*name) != wanted.get(*name));
    let names: Vec<&String> = differing.collect();
    for name in names.into_iter().filter(|name| !write.rule.is_additive(name) && !write.rule.is_state(name)) {
        let since = row.made > base || row.changed.get(name).is_some_and(|version| *version > base);
        let takes = match write.rule.field(name) {
            _ if !since => true,
            Some(Field::Client) => true,
            Some(Field::Server) => false,
            Some(Field::LastWriter) => later,
            _ => {
                reason = Some("fields_conflict");
                false
            }
        };
        if takes {
            match wanted.get(name) {
                Some(value) => drop(data.insert(name.clone(), value.clone())),
                None => drop(data.remove(name)),
            }
        }
    }
    Rest { data, deleted: false, reason, asked: true }
}
