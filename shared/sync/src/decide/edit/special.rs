//! Sums and states: members that a plain value does not simply replace.

use super::rest::Scope;
use super::{Edit, Edited};
use crate::decimal::Decimal;
use crate::policy::FieldRule;
use crate::policy::additive::{self, Below, Floor, NoSum, NotADelta};
use crate::policy::state::States;
use protocol::json::object::Object;
use protocol::json::value::JsonValue;
use protocol::wire::outcome::{Flag, Rejection, RejectionCode};

impl Edit<'_> {
    /// Parses a member's value as a delta; `None` for a plain value.
    pub(super) fn delta(&self, value: JsonValue<'_>) -> Result<Option<Decimal>, Rejection> {
        additive::delta(value).map_err(|NotADelta| bad_delta())
    }

    /// Refuses deltas on members that are not additive; they would be stored as objects.
    pub(super) fn refuse_stray_deltas(&self, sent: &Object) -> Result<(), Rejection> {
        let additive = |name: &str| matches!(self.table.fields.get(name), Some(FieldRule::Additive(_)));
        for (_, value) in sent.iter().filter(|(name, _)| !additive(name)) {
            if self.delta(value)?.is_some() {
                return Err(bad_delta());
            }
        }
        Ok(())
    }

    /// Applies the write to a sum or state.
    pub(super) fn special(
        &self,
        name: &str,
        rule: &FieldRule,
        (stored, sent): (&Object, &Object),
        scope: &Scope,
        out: &mut Object,
        edited: &mut Edited,
    ) -> Result<(), Rejection> {
        let new = sent.get(name).filter(|_| scope.has(name));
        match rule {
            FieldRule::Settled(_) => return Ok(()),
            FieldRule::Additive(floor) => {
                if let Some(delta) = new.map(|value| self.delta(value)).transpose()?.flatten() {
                    return self.add(name, delta, *floor, stored, out, edited);
                }
                if scope.insists(name) && new != stored.get(name) {
                    return Err(RejectionCode::DeltaRequired
                        .with_message(format!("{name:?} is added up: send {{\"$delta\": \"…\"}}.")));
                }
            }
            FieldRule::State(states) => match new {
                Some(to) if stored.get(name) != Some(to) => {
                    may_move(states, name, stored.get(name), to)?;
                    out.take(name, sent);
                    edited.special = true;
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

    /// Adds `delta` to the stored value.
    pub(super) fn add(
        &self,
        name: &str,
        delta: Decimal,
        floor: Option<Floor>,
        stored: &Object,
        out: &mut Object,
        edited: &mut Edited,
    ) -> Result<(), Rejection> {
        if !self.named {
            let message =
                "A delta is added once, which takes a `batch_id`: without one, a retry would add it again.";
            return Err(RejectionCode::DeltaNeedsBatch.with_message(message));
        }
        let old = stored.get(name);
        let sum = additive::number(old).ok_or_else(bad_delta)?;
        let sum = additive::add(sum, delta, floor).map_err(|error| match error {
            NoSum::Digits(_) => bad_delta(),
            NoSum::BelowFloor => RejectionCode::BelowFloor
                .with_message(format!("{name:?} is {sum} and would fall below its floor.")),
        })?;
        edited.flags.extend(sum.fell.map(|below| match below {
            Below::Clamp => Flag::ClampedToFloor,
            Below::Flag | Below::Reject => Flag::BelowFloor,
        }));
        edited.special = true;
        out.set(name, additive::written(sum.value, old)).map_err(|_| bad_delta())
    }
}

pub(super) fn bad_delta() -> Rejection {
    RejectionCode::BadDelta.with_message(
        "A delta is {\"$delta\": \"-2\"} on an additive member: plain digits, 18 before the point and 9 after it.",
    )
}

/// Whether a record may be created in the state `value`.
pub(super) fn begins(states: &States, value: JsonValue<'_>) -> bool {
    value.to_text().is_some_and(|state| states.may_begin(&state))
}

pub(super) fn bad_transition(name: &str, why: &str) -> Rejection {
    RejectionCode::BadTransition.with_message(format!("{name:?} does not move that way: {why}."))
}

/// Refuses a transition from `from` to `to` that is not declared.
pub(super) fn may_move(
    states: &States,
    name: &str,
    from: Option<JsonValue<'_>>,
    to: JsonValue<'_>,
) -> Result<(), Rejection> {
    let moves = match (from.and_then(JsonValue::to_text), to.to_text()) {
        (Some(from), Some(to)) => states.may_move(&from, &to),
        (None, Some(to)) => states.may_begin(&to),
        _ => false,
    };
    if moves { Ok(()) } else { Err(bad_transition(name, "no step leads from where it is to there")) }
}
