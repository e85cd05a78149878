//! Computes a record's data after a write, member by member: sums, states, and the rest under the table's
//! policy.

mod rest;
mod special;

use crate::policy::FieldRule;
use crate::policy::additive::{has_delta, has_set, number};
use crate::policy::append_only::{Rewrite, compare};
use crate::push::Write;
use crate::record::Record;
use crate::tables::Table;
use protocol::json::JsonText;
use protocol::json::object::{Object, replace_member};
use protocol::limits::RECORD_BYTES_MAX;
use protocol::wire::outcome::{ConflictReason, Flag, Rejection, RejectionCode};

use rest::Scope;
pub(super) use rest::Settle;
use special::{bad_sum, bad_transition, begins, leads_to};

/// The effect of a write on a record.
#[derive(Clone, Debug)]
pub(super) struct Edited {
    /// The new data.
    pub(super) data: JsonText,
    /// The members that changed, except sums and states.
    pub(super) touched: Vec<String>,
    /// Whether a sum or state changed.
    pub(super) special: bool,
    /// Whether a delta or a state did, which do not depend on the time of the write.
    pub(super) timeless: bool,
    /// Whether a delta changed a sum.
    pub(super) adds: bool,
    /// Whether the write is about other members than sums and states.
    pub(super) asks_rest: bool,
    /// Whether a member won because of the time of the write.
    pub(super) by_time: bool,
    /// What the response says about the write.
    pub(super) flags: Vec<Flag>,
    /// Why a part of the write was not applied.
    pub(super) conflict: Option<ConflictReason>,
}

impl Edited {
    /// A record with `data` and no other effect.
    pub(super) fn of(data: JsonText) -> Edited {
        Edited {
            data,
            touched: Vec::new(),
            special: false,
            timeless: false,
            adds: false,
            asks_rest: true,
            by_time: false,
            flags: Vec::new(),
            conflict: None,
        }
    }
}

/// A write to a table.
pub(super) struct Edit<'a> {
    pub(super) table: &'a Table,
    pub(super) write: &'a Write,
    /// Whether the batch has an id, without which a retry could add a delta twice.
    pub(super) named: bool,
}

/// What an update is made of.
struct Sides<'a> {
    stored: &'a Object,
    sent: &'a Object,
    /// The members that the write is about.
    scope: &'a Scope,
    /// Who wins members without a rule of their own.
    settle: &'a Settle<'a>,
}

fn parse(text: &JsonText) -> Result<Object, Rejection> {
    Object::parse(text).map_err(|error| {
        RejectionCode::Malformed.with_message(format!("The record cannot be merged: {error}."))
    })
}

impl Edit<'_> {
    /// The data of a new record.
    pub(super) fn create(&self) -> Result<Edited, Rejection> {
        let null = JsonText::null();
        let sent = self.write.data.as_ref().unwrap_or(&null);
        let mut edited = Edited::of(sent.clone());
        if self.write.deleted {
            if self.table.has_special() {
                edited.data = null;
            }
            return Ok(edited);
        }
        if !self.table.has_special() && !has_delta(sent) && !has_set(sent) {
            return Ok(edited);
        }
        let sent = parse(sent)?;
        self.refuse_stray_changes(&sent)?;
        let mut out = sent.clone();
        for (name, rule) in &self.table.fields {
            match (rule, sent.get(name)) {
                (FieldRule::Additive(floor), Some(value)) => match self.change(value)? {
                    Some(change) => {
                        self.sum(name, change, *floor, &Object::default(), &mut out, &mut edited)?;
                    }
                    None if number(Some(value)).is_none() => return Err(bad_sum()),
                    None => {}
                },
                (FieldRule::State(states), Some(value)) if !begins(states, value) => {
                    return Err(bad_transition(name, "no row begins there"));
                }
                _ => {}
            }
        }
        if edited.special {
            edited.data = text(&out)?;
        }
        Ok(edited)
    }

    /// The data of the live record `server` after the write.
    pub(super) fn update(&self, server: &Record, settle: &Settle<'_>) -> Result<Edited, Rejection> {
        let Some(sent_text) = &self.write.data else {
            return Err(RejectionCode::Malformed.with_message("`data` must be a JSON object."));
        };
        let (stored, sent) = (parse(&server.data)?, parse(sent_text)?);
        self.refuse_stray_changes(&sent)?;
        let scope = self.scope(&sent)?;
        let replaces = matches!((&scope, settle), (Scope::All, Settle::Incoming));
        let mut out = if replaces { sent.clone() } else { stored.clone() };
        let mut edited = Edited::of(server.data.clone());
        let sides = Sides { stored: &stored, sent: &sent, scope: &scope, settle };
        self.rest(&sides, &mut out, &mut edited);
        for (name, rule) in &self.table.fields {
            self.special(name, rule, &sides, &mut out, &mut edited)?;
        }
        edited.data = match () {
            () if out == stored => server.data.clone(),
            () if out == sent => sent_text.clone(),
            () => text(&out)?,
        };
        Ok(edited)
    }

    /// Whether this create of an append-only row is the one that made `row`, whose states may have moved on.
    pub(super) fn created(&self, row: &Record) -> bool {
        let (Ok(stored), Some(Ok(sent))) = (parse(&row.data), self.write.data.as_ref().map(parse)) else {
            return false;
        };
        let moved_on = |name: &String| match self.table.fields.get(name) {
            Some(FieldRule::State(states)) => leads_to(states, sent.get(name), stored.get(name)),
            _ => false,
        };
        match compare(&stored, &sent, None, |name| self.table.is_state(name)) {
            Rewrite::Same => true,
            // Without `base_version` 0 it may be a move that is refused.
            Rewrite::Moves(names) => self.write.base == Some(0) && names.iter().all(moved_on),
            Rewrite::Forbidden => false,
        }
    }

    /// Whether the write has a delta or a state, which do not depend on its time.
    pub(super) fn asks_timeless(&self) -> bool {
        let Some(sent) = &self.write.data else { return false };
        let is_state = |name: &str| self.table.is_state(name);
        has_delta(sent) || parse(sent).is_ok_and(|sent| sent.iter().any(|(name, _)| is_state(name)))
    }

    /// The data of an append-only row after the write; `None` if nothing changes.
    pub(super) fn move_row(&self, server: &Record) -> Result<Option<JsonText>, Rejection> {
        let forbidden = || {
            RejectionCode::AppendOnly.with_message("This row was written before; write one that corrects it.")
        };
        let Some(sent) = self.write.data.as_ref().filter(|_| !self.write.deleted) else {
            return Err(forbidden());
        };
        let (stored, sent) = (parse(&server.data)?, parse(sent)?);
        self.refuse_stray_changes(&sent)?;
        let fields = self.write.fields.as_deref();
        let moves = match compare(&stored, &sent, fields, |name| self.table.is_state(name)) {
            Rewrite::Same => return Ok(None),
            Rewrite::Forbidden => return Err(forbidden()),
            Rewrite::Moves(names) => names,
        };
        let mut data = server.data.clone();
        for name in &moves {
            let (Some(FieldRule::State(states)), Some(to)) = (self.table.fields.get(name), sent.get(name))
            else {
                return Err(forbidden());
            };
            self.may_move(states, name, stored.get(name), to)?;
            data = replace_member(&data, name, to.as_str()).ok_or_else(forbidden)?;
        }
        Ok(Some(data))
    }
}

fn text(object: &Object) -> Result<JsonText, Rejection> {
    object.to_text().map_err(|error| {
        RejectionCode::Malformed.with_message(format!("The record cannot be written: {error}."))
    })
}

/// Refuses data over the limit of a record.
pub(super) fn fits(data: &JsonText) -> Result<(), Rejection> {
    let bytes = data.as_str().len();
    if bytes <= RECORD_BYTES_MAX {
        return Ok(());
    }
    let message = format!("The record would have {bytes} bytes; at most {RECORD_BYTES_MAX} fit.");
    Err(RejectionCode::RecordTooLarge.with_message(message))
}
