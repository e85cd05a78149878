//! The synced tables: their policies and the roles that may read or write them.

pub mod digest;
mod read;

use std::collections::BTreeMap;

pub use read::ReadTablesError;

use crate::policy::{FieldRule, Policy};
use protocol::role::Role;

const BUILT_IN: &str = include_str!("tables.toml");

/// The tables of a deployment by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(BTreeMap<String, Table>);

/// The rules of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// How concurrent writes are settled.
    pub policy: Policy,
    /// The lowest role that may read the table.
    pub read: Role,
    /// The lowest role that may write the table; at least `read`.
    pub write: Role,
    /// The window of the table: a snapshot returns the records that were changed in the last days, this many.
    /// `None` returns all of them.
    pub window_days: Option<u32>,
    /// Members with a rule of their own; the table's policy applies to all others.
    pub fields: BTreeMap<String, FieldRule>,
}

impl Tables {
    /// The tables of `tables.toml`.
    pub fn built_in() -> Result<Tables, ReadTablesError> {
        Tables::parse(BUILT_IN)
    }

    /// Reads a tables file; `tables.toml` documents the format.
    pub fn parse(text: &str) -> Result<Tables, ReadTablesError> {
        read::tables(text).map(Tables)
    }

    /// The rules of `table`; `None` if it is not synced.
    pub fn get(&self, table: &str) -> Option<&Table> {
        self.0.get(table)
    }

    /// Whether `table` is synced.
    pub fn contains(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Whether `role` may read `table`.
    pub fn may_read(&self, table: &str, role: Role) -> bool {
        self.get(table).is_some_and(|table| role >= table.read)
    }

    /// The lowest role that may read `table`. A table that was removed from the file is for head office only.
    pub fn reader(&self, table: &str) -> Role {
        self.get(table).map_or(Role::SuperAdmin, |table| table.read)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Table {
    /// Whether the member `name` is a state field.
    pub fn is_state(&self, name: &str) -> bool {
        matches!(self.fields.get(name), Some(FieldRule::State(_)))
    }

    /// Whether the member `name` is additive or a state: a plain value does not simply replace it.
    pub fn is_special(&self, name: &str) -> bool {
        matches!(self.fields.get(name), Some(FieldRule::State(_) | FieldRule::Additive(_)))
    }

    /// Whether the table has special members.
    pub fn has_special(&self) -> bool {
        self.fields.keys().any(|name| self.is_special(name))
    }
}

#[cfg(test)]
mod tests;
