//! Patterns that match the keys of one tenant and kind.

use std::fmt;

use super::key::escaped;
use crate::limits::REDIS_GLOB_BYTES_MAX;

/// An invalid glob.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the pattern: it must be 1 to {REDIS_GLOB_BYTES_MAX} bytes")]
pub struct BadGlob;

/// Matches keys of one tenant and one kind only: the text before the caller's glob holds no special
/// character. [`super::Keys::all`] returns the one exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    pub(super) fn new(head: &str, glob: &str) -> Result<Pattern, BadGlob> {
        if !(1..=REDIS_GLOB_BYTES_MAX).contains(&glob.len()) {
            return Err(BadGlob);
        }
        Ok(Pattern(format!("{head}{glob}")))
    }

    pub(super) fn all(prefix: &str) -> Pattern {
        Pattern(format!("{prefix}:*"))
    }

    /// A glob that matches exactly `name`.
    pub fn exactly(name: &str) -> String {
        escaped(name)
    }

    /// The pattern as Redis reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
