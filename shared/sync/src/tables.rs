//! Which tables may be synced, under which policies, and by whom.

mod read;

use std::collections::BTreeMap;

pub use read::ReadTablesError;

use crate::policy::{FieldRule, Policy};
use protocol::role::Role;

const BUILT_IN: &str = include_str!("tables.toml");

/// The tables of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(BTreeMap<String, Table>);

/// One table's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// How concurrent writes are settled.
    pub policy: Policy,
    /// The least role that sees it.
    pub read: Role,
    /// The least role that may change it; never less than `read`.
    pub write: Role,
    /// Members with a rule of their own.
    pub fields: BTreeMap<String, FieldRule>,
}

impl Tables {
    /// The tables of `tables.toml`.
    pub fn built_in() -> Result<Tables, ReadTablesError> {
        Tables::parse(BUILT_IN)
    }

    /// Reads a tables file; `tables.toml` says what may stand in it.
    pub fn parse(text: &str) -> Result<Tables, ReadTablesError> {
        read::tables(text).map(Tables)
    }

    /// The rules of `table`, if there is such a table.
    pub fn get(&self, table: &str) -> Option<&Table> {
        self.0.get(table)
    }

    /// Whether there is such a table.
    pub fn contains(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Whether `role` sees `table`.
    pub fn may_read(&self, table: &str, role: Role) -> bool {
        self.get(table).is_some_and(|table| role >= table.read)
    }

    /// The least role that sees `table`. One that is no longer in the file is nobody's but head office's.
    pub fn reader(&self, table: &str) -> Role {
        self.get(table).map_or(Role::SuperAdmin, |table| table.read)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Table {
    /// The rule of the member `name`, if it has one of its own.
    pub fn field(&self, name: &str) -> Option<&FieldRule> {
        self.fields.get(name)
    }

    /// Whether the member `name` is a state field.
    pub fn is_state(&self, name: &str) -> bool {
        matches!(self.field(name), Some(FieldRule::State(_)))
    }

    /// Whether a plain value of the member `name` is not simply taken over: it is additive, or a state.
    pub fn is_special(&self, name: &str) -> bool {
        matches!(self.field(name), Some(FieldRule::State(_) | FieldRule::Additive(_)))
    }

    /// Whether the table has such members.
    pub fn has_special(&self) -> bool {
        self.fields.keys().any(|name| self.is_special(name))
    }
}

#[cfg(test)]
mod tests;
