//! Which tables may be synced, and under which policy.

use std::collections::BTreeMap;

use crate::policy::Policy;

const BUILT_IN: &str = include_str!("tables.toml");

/// The tables of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables(BTreeMap<String, Policy>);

/// A tables file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadTablesError {
    /// It is no TOML, or names a policy that does not exist; the text says in which line.
    #[error("failed to read the tables: {0}")]
    Toml(#[from] toml::de::Error),
    /// A table's name could not become part of a key.
    #[error("failed to read the tables: {0:?} is no table name (1 to 64 of a-z 0-9 _)")]
    Name(String),
}

impl Tables {
    /// The tables of `tables.toml`.
    pub fn built_in() -> Result<Tables, ReadTablesError> {
        Tables::parse(BUILT_IN)
    }

    /// Reads a tables file: one `table = "policy"` a line.
    pub fn parse(text: &str) -> Result<Tables, ReadTablesError> {
        let tables: BTreeMap<String, Policy> = toml::from_str(text)?;
        match tables.keys().find(|name| !is_table_name(name)) {
            Some(name) => Err(ReadTablesError::Name(name.clone())),
            None => Ok(Tables(tables)),
        }
    }

    /// The policy of `table`, if there is such a table.
    pub fn policy(&self, table: &str) -> Option<Policy> {
        self.0.get(table).copied()
    }

    /// Whether there is such a table.
    pub fn contains(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    /// Whether `role` sees `table`.
    pub fn may_read(&self, table: &str, _role: crate::token::Role) -> bool {
        self.contains(table)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn is_table_name(name: &str) -> bool {
    let fits = !name.is_empty() && name.len() <= 64;
    fits && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_tables_are_those_of_the_scope() {
        let tables = Tables::built_in().unwrap();
        assert_eq!(tables.names().count(), 31);
        assert_eq!(tables.policy("invoices"), Some(Policy::LastWriterWins));
        assert!(!tables.contains("nonsense"));
    }

    #[test]
    fn a_bad_file_says_where() {
        let error = Tables::parse("products = \"last-writer-wins\"\nsettings = \"best\"\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(Tables::parse("\"a#b\" = \"last-writer-wins\"").is_err());
    }
}
