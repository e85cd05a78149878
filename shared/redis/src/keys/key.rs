//! One key, which only this module's parent can make.

use std::fmt::{self, Display};

use super::escape::escaped;

/// The key of one entry: prefix, tenant, and the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    text: String,
    /// Where the rest begins.
    rest: usize,
}

impl Key {
    pub(super) fn new(prefix: &str, tenant: impl Display, rest: &str) -> Key {
        let head = format!("{prefix}:{tenant}:");
        Key { rest: head.len(), text: head + rest }
    }

    pub(super) fn lock(&self, state: &str) -> Key {
        let (head, rest) = self.text.split_at_checked(self.rest).unwrap_or_default();
        Key { text: format!("{head}lock:{rest}:{}", escaped(state)), rest: self.rest }
    }

    /// The key as Redis knows it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
