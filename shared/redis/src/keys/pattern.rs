//! Many keys at once, all of one tenant and kind.

use std::fmt;

use super::escape::escaped;
use crate::limits::REDIS_GLOB_BYTES_MAX;

/// A glob that may not be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the pattern: it must be 1 to {REDIS_GLOB_BYTES_MAX} bytes")]
pub struct BadGlob;

/// A pattern that finds keys of one tenant and one kind alone: what is before the caller's glob means only itself. Or
/// one that finds all, which no caller can make.
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

    /// `name` as it stands in a key, where it means only itself: for a glob that names something exactly.
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
