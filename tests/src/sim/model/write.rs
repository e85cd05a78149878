//! One record of a push, as it was sent.

use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::push::PushRecord;

use super::Key;
use super::member::{self, Members};
use super::rules::{Policy, Rule, rule};

/// Microseconds a till's clock may be ahead.
const AHEAD_MICROS: u64 = 5 * 60 * 1_000_000;

/// A record that can be decided.
#[derive(Clone, Debug)]
pub struct Write {
    /// Which record.
    pub key: Key,
    /// Its table's rules.
    pub rule: Rule,
    /// What was sent; none only in a delete.
    pub data: Option<Members>,
    /// When, as far as it is believed.
    pub at: u64,
    /// Whether it deletes.
    pub deleted: bool,
    /// The version it started from.
    pub base: Option<u64>,
    /// The members that it is about; none if it replaces.
    pub fields: Option<Vec<String>>,
    /// Whether it named them itself.
    pub insists: bool,
    /// What is to be said of it already.
    pub flags: Vec<&'static str>,
}

impl Write {
    /// Reads a record at `now`; or the code with which it is rejected.
    pub fn read(body: &PushRecord, role: Role, now: u64) -> Result<Write, &'static str> {
        let rule = rule(&body.table_name).ok_or("unknown_table")?;
        if role < rule.write {
            return Err("forbidden");
        }
        if body.record_id.is_empty() || body.record_id.chars().any(char::is_control) {
            return Err("bad_record_id");
        }
        let at = Timestamp::parse(&body.local_updated_at).map_err(|_| "bad_time")?.0;
        let data = match &body.data {
            None if body.is_deleted => None,
            None => return Err("malformed"),
            Some(data) => Some(member::read(data.as_str()).ok_or("malformed")?),
        };
        let fields = body.fields.clone().or_else(|| only_deltas(data.as_ref()?));
        let mut write = Write {
            key: (body.table_name.clone(), body.record_id.clone()),
            rule,
            data,
            at,
            deleted: body.is_deleted,
            base: body.base_version,
            fields,
            insists: body.fields.is_some(),
            flags: Vec::new(),
        };
        if at > now.saturating_add(AHEAD_MICROS) {
            if rule.policy != Policy::AppendOnly && !write.has_delta() {
                return Err("clock_ahead");
            }
            write.at = now;
            write.flags.push("clock_clamped");
        }
        Ok(write)
    }

    /// Whether the write is about this member.
    pub fn names(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
    }

    /// The value that the write has for a member it is about.
    pub fn value(&self, name: &str) -> Option<&String> {
        self.data.as_ref()?.get(name).filter(|_| self.names(name))
    }

    /// The members it has a delta for.
    pub fn deltas(&self) -> Vec<(String, String)> {
        let members = self.data.iter().flatten().filter(|(name, _)| self.names(name));
        members.filter_map(|(name, value)| Some((name.clone(), member::delta(value)?))).collect()
    }

    /// Whether it has any delta, one that is not asked for included.
    pub fn has_delta(&self) -> bool {
        self.data.iter().flatten().any(|(_, value)| member::delta(value).is_some())
    }

    /// Whether it has a delta for what is no sum.
    pub fn has_stray_delta(&self) -> bool {
        let stray = |(name, value): (&String, &String)| {
            !self.rule.is_additive(name) && member::delta(value).is_some()
        };
        self.data.iter().flatten().any(stray)
    }

    /// Whether its table has sums or states.
    pub fn has_special_table(&self) -> bool {
        self.rule.fields.iter().any(|(name, _)| self.rule.is_additive(name) || self.rule.is_state(name))
    }
}

/// Data of nothing but deltas is about these members alone.
fn only_deltas(data: &Members) -> Option<Vec<String>> {
    let all = !data.is_empty() && data.values().all(|value| member::delta(value).is_some());
    all.then(|| data.keys().cloned().collect())
}
