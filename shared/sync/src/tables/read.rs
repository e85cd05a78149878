//! Parser of tables files; errors name the line and the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::Table;
use crate::decimal::Decimal;
use crate::limits::WINDOW_DAYS_MAX;
use crate::policy::additive::{Below, Floor};
use crate::policy::state::States;
use crate::policy::{FieldPolicy, FieldRule, Policy};
use protocol::role::Role;

/// A tables file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadTablesError {
    /// Not TOML, or an unknown name; the text has the line.
    #[error("failed to read the tables: {0}")]
    Toml(#[from] toml::de::Error),
    /// A rule that contradicts another or is incomplete.
    #[error("failed to read the tables: line {line}: {why}")]
    Rule {
        /// The line of the table or field, counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText {
    policy: Policy,
    #[serde(default = "cashier")]
    read: Role,
    write: Option<Role>,
    window_days: Option<u32>,
    #[serde(default)]
    fields: BTreeMap<String, Spanned<FieldText>>,
}

fn cashier() -> Role {
    Role::Cashier
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FieldPolicyText {
    Additive,
    State,
    LastWriterWins,
    ServerWins,
    ClientWins,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldText {
    policy: FieldPolicyText,
    floor: Option<String>,
    below: Option<Below>,
    initial: Option<BTreeSet<String>>,
    transitions: Option<BTreeMap<String, BTreeSet<String>>>,
}

/// Reads every table of `text`.
pub(super) fn tables(text: &str) -> Result<BTreeMap<String, Table>, ReadTablesError> {
    let tables: BTreeMap<String, Spanned<TableText>> = toml::from_str(text)?;
    let refuse = |span: Range<usize>, why: String| {
        let before = text.get(..span.start).unwrap_or(text);
        ReadTablesError::Rule { line: before.matches('\n').count() + 1, why }
    };
    let mut read = BTreeMap::new();
    for (name, spanned) in tables {
        let span = spanned.span();
        if !is_table_name(&name) {
            return Err(refuse(span, format!("{name:?} is no table name (1 to 64 of a-z 0-9 _)")));
        }
        let table = spanned.into_inner();
        let write = table.write.unwrap_or(table.read);
        if write < table.read {
            return Err(refuse(span, format!("{name} may be written by {write}, who may not read it")));
        }
        let window_days = table.window_days;
        if window_days.is_some_and(|days| !(1..=WINDOW_DAYS_MAX).contains(&days)) {
            let why = format!("{name} has a `window_days` that is not from 1 to {WINDOW_DAYS_MAX}");
            return Err(refuse(span, why));
        }
        let mut fields = BTreeMap::new();
        for (field, spanned) in table.fields {
            let span = spanned.span();
            let rule = rule(table.policy, spanned.into_inner());
            fields.insert(field.clone(), rule.map_err(|why| refuse(span, format!("{name}.{field}: {why}")))?);
        }
        read.insert(name, Table { policy: table.policy, read: table.read, write, window_days, fields });
    }
    Ok(read)
}

fn is_table_name(name: &str) -> bool {
    let fits = !name.is_empty() && name.len() <= 64;
    fits && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Reads a field's entry in a table of `policy`.
fn rule(policy: Policy, field: FieldText) -> Result<FieldRule, String> {
    let has_floor = field.floor.is_some() || field.below.is_some();
    let has_states = field.initial.is_some() || field.transitions.is_some();
    let settled = |rule| match policy {
        Policy::FieldMerge => Ok(FieldRule::Settled(rule)),
        _ => Err("only members of a field-merge table can be settled one by one".to_owned()),
    };
    if has_floor && !matches!(field.policy, FieldPolicyText::Additive) {
        return Err("only an additive field has a `floor` and `below`".to_owned());
    }
    if has_states && !matches!(field.policy, FieldPolicyText::State) {
        return Err("only a state field has `initial` and `transitions`".to_owned());
    }
    match field.policy {
        FieldPolicyText::Additive if policy == Policy::AppendOnly => {
            Err("an append-only row is never added to".to_owned())
        }
        FieldPolicyText::Additive => floor(field.floor, field.below).map(FieldRule::Additive),
        FieldPolicyText::State => {
            let states =
                States::new(field.initial.unwrap_or_default(), field.transitions.unwrap_or_default());
            states.map(FieldRule::State).map_err(|error| error.to_string())
        }
        FieldPolicyText::LastWriterWins => settled(FieldPolicy::LastWriterWins),
        FieldPolicyText::ServerWins => settled(FieldPolicy::ServerWins),
        FieldPolicyText::ClientWins => settled(FieldPolicy::ClientWins),
    }
}

fn floor(at: Option<String>, below: Option<Below>) -> Result<Option<Floor>, String> {
    match (at, below) {
        (None, None) => Ok(None),
        (Some(at), Some(below)) => {
            let at = Decimal::parse(&at).map_err(|_| format!("{at:?} is no plain number"))?;
            Ok(Some(Floor { at, below }))
        }
        _ => Err("`floor` and `below` go together".to_owned()),
    }
}
