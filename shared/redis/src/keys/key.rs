//! One key. Only [`super::Keys`] creates keys.

use std::fmt::{self, Display};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Every character that is not usual in an id: the separator, `%` itself, and the special characters of
/// patterns.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// `name` with every other character percent-encoded. Different names stay different.
pub(super) fn escaped(name: &str) -> String {
    utf8_percent_encode(name, ESCAPED).to_string()
}

/// The key of one entry: prefix, tenant, and the rest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    text: String,
    /// Byte at which the rest begins.
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
