//! One record of a push, parsed and validated.

use protocol::role::Role;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::push::PushRecord;

use crate::groups::is_name;
use crate::member::{self, Members};
use crate::room::Key;
use crate::rules::{Policy, TableRule, table_rule};
use crate::size;

/// Microseconds that a client's clock may be ahead.
pub(crate) const AHEAD_MICROS_MAX: i64 = 5 * 60 * 1_000_000;
/// Microseconds by which a client's clock may differ before it is corrected.
const SKEW_MICROS_MAX: i64 = 30 * 1_000_000;

/// What a client's clock showed when its push arrived; microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) shows: i64,
    /// The server's time.
    pub(crate) at: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) rule: TableRule,
    /// The data that was sent. Only a delete may have none.
    pub(crate) data: Option<Members>,
    /// The client's time as it was sent, if it was; microseconds.
    pub(crate) shown: Option<i64>,
    /// The client's time, corrected and clamped to the server's clock; microseconds. 0 if it was not sent.
    pub(crate) at: u64,
    /// The same, or the time of arrival if it was not sent.
    pub(crate) made_at: u64,
    /// Whether the client's clock is so far ahead that `at` is the server's time.
    pub(crate) ahead: bool,
    /// Whether `at` is another time than the client's, because its clock was wrong and said so.
    pub(crate) corrected: bool,
    pub(crate) deleted: bool,
    /// The version that the client changed.
    pub(crate) base: Option<u64>,
    /// The members that the write is about. `None` if it replaces the record.
    pub(crate) fields: Option<Vec<String>>,
    /// Whether the client sent `fields` itself.
    pub(crate) explicit_fields: bool,
    /// Whether the role may move a state that is not declared.
    pub(crate) may_repair: bool,
    pub(crate) flags: Vec<&'static str>,
}

impl Write {
    /// Parses a record that is decided at `now`. The error is the code of the rejection.
    pub(crate) fn parse(
        body: &PushRecord,
        role: Role,
        clock: Option<Clock>,
        arrived_at: u64,
        now: u64,
    ) -> Result<Write, &'static str> {
        if body.group.as_deref().is_some_and(|name| !is_name(name)) {
            return Err("malformed");
        }
        let rule = table_rule(&body.table_name).ok_or("unknown_table")?;
        if role < rule.write {
            return Err("forbidden");
        }
        if body.record_id.is_empty() || body.record_id.chars().any(char::is_control) {
            return Err("bad_record_id");
        }
        let time = body.local_updated_at.as_deref().map(DeviceTime::parse).transpose();
        let shown = time.map_err(|_| "bad_time")?.map(|time| time.0);
        let signed_now = i64::try_from(now).unwrap_or(i64::MAX);
        let correction = clock.zip(shown).and_then(|(clock, shown)| corrected(shown, clock));
        let at = correction.or(shown).unwrap_or_default();
        let ahead = at - signed_now > AHEAD_MICROS_MAX;
        let clamped = ahead || at < 0;
        body.data.as_ref().map_or(Ok(()), size::check)?;
        let data = match &body.data {
            None if body.is_deleted => None,
            None => return Err("malformed"),
            Some(data) => Some(member::parse(data.as_str()).ok_or("malformed")?),
        };
        let sets = |data: &Members| data.values().any(|value| member::set(value).is_some());
        if role < Role::Manager && data.as_ref().is_some_and(sets) {
            return Err("forbidden");
        }
        let at = if ahead { now } else { u64::try_from(at).unwrap_or_default() };
        // Every time is later than none.
        let at = at.max(u64::from(shown.is_some()));
        let fields = body.fields.clone().or_else(|| only_changes_of_sums(data.as_ref()?));
        Ok(Write {
            key: (body.table_name.clone(), body.record_id.clone()),
            rule,
            data,
            shown,
            at,
            made_at: if shown.is_some() { at } else { arrived_at.min(now) },
            ahead,
            corrected: correction.is_some(),
            deleted: body.is_deleted,
            base: body.base_version,
            fields,
            explicit_fields: body.fields.is_some(),
            may_repair: role >= Role::Manager,
            flags: if clamped { vec!["clock_clamped"] } else { Vec::new() },
        })
    }

    pub(crate) fn is_append_only(&self) -> bool {
        self.rule.policy == Policy::AppendOnly
    }

    /// Whether the later of two writes wins in the table.
    pub(crate) fn is_settled_by_time(&self) -> bool {
        matches!(self.rule.policy, Policy::LastWriter | Policy::Merge)
    }

    /// Whether the data has a delta or a state, which do not depend on the time.
    pub(crate) fn asks_timeless(&self) -> bool {
        self.has_delta() || self.data.iter().flatten().any(|(name, _)| self.rule.is_state(name))
    }

    pub(crate) fn covers(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
    }

    /// The sent value of a member that the write is about.
    pub(crate) fn value(&self, name: &str) -> Option<&String> {
        self.data.as_ref()?.get(name).filter(|_| self.covers(name))
    }

    /// The deltas of the members that the write is about.
    pub(crate) fn deltas(&self) -> Vec<(String, String)> {
        let members = self.data.iter().flatten().filter(|(name, _)| self.covers(name));
        members.filter_map(|(name, value)| Some((name.clone(), member::delta(value)?))).collect()
    }

    /// The sums that the write sets, of the members that it is about.
    pub(crate) fn sets(&self) -> Vec<(String, String)> {
        let members = self.data.iter().flatten().filter(|(name, _)| self.covers(name));
        members.filter_map(|(name, value)| Some((name.clone(), member::set(value)?))).collect()
    }

    /// Whether the write adds to a sum.
    pub(crate) fn adds(&self) -> bool {
        !self.deleted && self.deltas().iter().any(|(name, _)| self.rule.is_additive(name))
    }

    /// Whether the data has a delta anywhere.
    pub(crate) fn has_delta(&self) -> bool {
        self.data.iter().flatten().any(|(_, value)| member::delta(value).is_some())
    }

    /// Whether the data changes a member as if it were a sum.
    pub(crate) fn has_stray_change(&self) -> bool {
        let is_stray =
            |(name, value): (&String, &String)| !self.rule.is_additive(name) && member::changes_sum(value);
        self.data.iter().flatten().any(is_stray)
    }
}

/// A client's time `at` by the server's clock. `None` if the client's clock is right.
fn corrected(at: i64, clock: Clock) -> Option<i64> {
    let arrived_at = i64::try_from(clock.at).unwrap_or(i64::MAX);
    let is_wrong = (clock.shows - arrived_at).abs() > SKEW_MICROS_MAX;
    is_wrong.then(|| arrived_at.min(arrived_at - (clock.shows - at)))
}

/// The members of data that has nothing but changes of sums: such a write is about these members alone.
fn only_changes_of_sums(data: &Members) -> Option<Vec<String>> {
    let all = !data.is_empty() && data.values().all(|value| member::changes_sum(value));
    all.then(|| data.keys().cloned().collect())
}
