//! Sums and states: members that a plain value does not simply replace.

use super::{Edit, Edited, Settle, Sides};
use crate::policy::FieldRule;
use crate::policy::additive::{self, Below, Floor, NoSum, NotASumChange, SumChange};
use crate::policy::state::States;
use protocol::json::object::Object;
use protocol::json::value::JsonValue;
use protocol::wire::outcome::{ConflictReason, Flag, Rejection, RejectionCode};

impl Edit<'_> {
    /// Parses a member's value as a change of a sum; `None` for a plain value.
    pub(super) fn change(&self, value: JsonValue<'_>) -> Result<Option<SumChange>, Rejection> {
        additive::sum_change(value).map_err(|NotASumChange| bad_sum())
    }

    /// Refuses changes of sums on members that are not additive; they would be stored as objects.
    pub(super) fn refuse_stray_changes(&self, sent: &Object) -> Result<(), Rejection> {
        let additive = |name: &str| matches!(self.table.fields.get(name), Some(FieldRule::Additive(_)));
        for (_, value) in sent.iter().filter(|(name, _)| !additive(name)) {
            if self.change(value)?.is_some() {
                return Err(bad_sum());
            }
        }
        Ok(())
    }

    /// Applies the write to a sum or state.
    pub(super) fn special(
        &self,
        name: &str,
        rule: &FieldRule,
        sides: &Sides<'_>,
        out: &mut Object,
        edited: &mut Edited,
    ) -> Result<(), Rejection> {
        let Sides { stored, sent, scope, settle } = sides;
        let new = sent.get(name).filter(|_| scope.has(name));
        match rule {
            FieldRule::Settled(_) => return Ok(()),
            FieldRule::Additive(floor) => match new.map(|value| self.change(value)).transpose()?.flatten() {
                Some(change) => match refused(change, settle) {
                    None => return self.sum(name, change, *floor, stored, out, edited),
                    conflict => edited.conflict = conflict,
                },
                None if scope.insists(name) && new != stored.get(name) => {
                    return Err(RejectionCode::DeltaRequired.with_message(format!(
                        "{name:?} is added up: send {{\"$delta\": \"…\"}}, or as a manager {{\"$set\": \"…\"}}."
                    )));
                }
                None => {}
            },
            FieldRule::State(states) => match new {
                Some(to) if stored.get(name) != Some(to) => {
                    self.may_move(states, name, stored.get(name), to)?;
                    out.take(name, sent);
                    (edited.special, edited.timeless) = (true, true);
                    return Ok(());
                }
                None if scope.insists(name) && stored.get(name).is_some() => {
                    return Err(bad_transition(name, "it does not go"));
                }
                _ => {}
            },
        }
        out.take(name, stored);
        Ok(())
    }

    /// Changes the sum that is stored under `name`.
    pub(super) fn sum(
        &self,
        name: &str,
        change: SumChange,
        floor: Option<Floor>,
        stored: &Object,
        out: &mut Object,
        edited: &mut Edited,
    ) -> Result<(), Rejection> {
        if !self.named {
            let message = "A sum is changed once, which takes a `batch_id`: without one, a retry would change it again.";
            return Err(RejectionCode::DeltaNeedsBatch.with_message(message));
        }
        let old = stored.get(name);
        let sum = match change {
            SumChange::Set(value) => additive::set(value, floor),
            SumChange::Add(delta) => {
                let stored = additive::number(old).ok_or_else(|| {
                    RejectionCode::BadDelta.with_message(format!(
                        "{name:?} holds no number that a delta could be added to; a manager may set it."
                    ))
                })?;
                additive::add(stored, delta, floor)
            }
        };
        let sum = sum.map_err(|error| match error {
            NoSum::Digits(_) => bad_sum(),
            NoSum::BelowFloor => {
                RejectionCode::BelowFloor.with_message(format!("{name:?} would fall below its floor."))
            }
        })?;
        edited.flags.extend(sum.fell.map(|below| match below {
            Below::Clamp => Flag::ClampedToFloor,
            Below::Flag | Below::Reject => Flag::BelowFloor,
        }));
        edited.special = true;
        edited.adds |= matches!(change, SumChange::Add(_));
        edited.timeless |= edited.adds;
        out.set(name, additive::written(sum.value, old)).map_err(|_| bad_sum())
    }

    /// Refuses a transition from `from` to `to` that is not declared. A manager may also leave a state that
    /// the table does not declare, as after a change of its rules; no transition leads out of it.
    pub(super) fn may_move(
        &self,
        states: &States,
        name: &str,
        from: Option<JsonValue<'_>>,
        to: JsonValue<'_>,
    ) -> Result<(), Rejection> {
        let (from, to) = (from.filter(|from| !from.is_null()), to.to_text());
        let state = from.and_then(JsonValue::to_text);
        let moves = match (&state, &to) {
            (Some(from), Some(to)) => states.may_move(from, to),
            (None, Some(to)) => states.may_begin(to),
            _ => false,
        };
        let is_outside = from.is_some() && !state.is_some_and(|state| states.declares(&state));
        let repairs = self.write.may_repair && is_outside && to.is_some_and(|to| states.declares(&to));
        let refused = || bad_transition(name, "no step leads from where it is to there");
        if moves || repairs { Ok(()) } else { Err(refused()) }
    }
}

/// Why a change of a sum is not applied. A delta always is; a set sum would undo what others did to it, so it
/// is settled as the other members are.
fn refused(change: SumChange, settle: &Settle<'_>) -> Option<ConflictReason> {
    match (change, settle) {
        (SumChange::Add(_), _) | (SumChange::Set(_), Settle::Incoming) => None,
        (SumChange::Set(_), Settle::Server(reason)) => Some(*reason),
        // The versions of sums are not kept.
        (SumChange::Set(_), Settle::Each { .. }) => Some(ConflictReason::FieldsConflict),
    }
}

pub(super) fn bad_sum() -> Rejection {
    RejectionCode::BadDelta.with_message(
        "A sum is changed by {\"$delta\": \"-2\"} or {\"$set\": \"5\"}, on an additive member: plain digits, 18 \
         before the point and 9 after it.",
    )
}

/// Whether a record may be created in the state `value`.
pub(super) fn begins(states: &States, value: JsonValue<'_>) -> bool {
    value.to_text().is_some_and(|state| states.may_begin(&state))
}

pub(super) fn bad_transition(name: &str, why: &str) -> Rejection {
    RejectionCode::BadTransition.with_message(format!("{name:?} does not move that way: {why}."))
}

/// Whether one or more steps lead from the state `from` to `to`.
pub(super) fn leads_to(states: &States, from: Option<JsonValue<'_>>, to: Option<JsonValue<'_>>) -> bool {
    let ends = from.and_then(JsonValue::to_text).zip(to.and_then(JsonValue::to_text));
    ends.is_some_and(|(from, to)| states.leads_to(&from, &to))
}
