//! One record of a push, parsed and validated.

use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::push::PushRecord;

use crate::member::{self, Members};
use crate::room::Key;
use crate::rules::{Policy, TableRule, table_rule};
use crate::size;

/// Microseconds that a client's clock may be ahead.
const AHEAD_MICROS_MAX: u64 = 5 * 60 * 1_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) rule: TableRule,
    /// The data that was sent. Only a delete may have none.
    pub(crate) data: Option<Members>,
    /// The client's time, clamped to the server's clock; microseconds.
    pub(crate) at: u64,
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
    /// Parses a record at `now`. The error is the code of the rejection.
    pub(crate) fn parse(body: &PushRecord, role: Role, now: u64) -> Result<Write, &'static str> {
        let rule = table_rule(&body.table_name).ok_or("unknown_table")?;
        if role < rule.write {
            return Err("forbidden");
        }
        if body.record_id.is_empty() || body.record_id.chars().any(char::is_control) {
            return Err("bad_record_id");
        }
        let at = Timestamp::parse(&body.local_updated_at).map_err(|_| "bad_time")?.0;
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
        let fields = body.fields.clone().or_else(|| only_changes_of_sums(data.as_ref()?));
        let mut write = Write {
            key: (body.table_name.clone(), body.record_id.clone()),
            rule,
            data,
            at,
            deleted: body.is_deleted,
            base: body.base_version,
            fields,
            explicit_fields: body.fields.is_some(),
            may_repair: role >= Role::Manager,
            flags: Vec::new(),
        };
        if at > now.saturating_add(AHEAD_MICROS_MAX) {
            if rule.policy != Policy::AppendOnly && !write.has_delta() {
                return Err("clock_ahead");
            }
            write.at = now;
            write.flags.push("clock_clamped");
        }
        Ok(write)
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

/// The members of data that has nothing but changes of sums: such a write is about these members alone.
fn only_changes_of_sums(data: &Members) -> Option<Vec<String>> {
    let all = !data.is_empty() && data.values().all(|value| member::changes_sum(value));
    all.then(|| data.keys().cloned().collect())
}
