//! A command as Redis reads it: its name and its arguments, all of them text.

use std::fmt;

use serde::Serialize;

use super::keys::Key;
use super::value::Value;

/// A command's name and arguments in the order in which they are sent.
///
/// `Debug` shows the name alone: arguments are customers' data.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Arguments(Vec<String>);

impl Arguments {
    /// A command without arguments.
    pub fn new(command: &str) -> Arguments {
        Arguments(vec![command.to_owned()])
    }

    /// Appends a word of the protocol, a number or any other text.
    pub fn with(mut self, argument: impl fmt::Display) -> Arguments {
        self.0.push(argument.to_string());
        self
    }

    /// Appends a key.
    pub fn key(self, key: &Key) -> Arguments {
        self.with(key)
    }

    /// Appends several keys.
    pub fn keys<'a>(self, keys: impl IntoIterator<Item = &'a Key>) -> Arguments {
        keys.into_iter().fold(self, Arguments::key)
    }

    /// Appends a value.
    pub fn value(mut self, value: &Value) -> Arguments {
        self.0.push(value.as_str().to_owned());
        self
    }

    /// Appends several texts.
    pub fn texts<'a>(self, texts: impl IntoIterator<Item = &'a String>) -> Arguments {
        texts.into_iter().fold(self, Arguments::with)
    }

    /// Name and arguments.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.first().map_or("", String::as_str);
        write!(f, "{name} and {} arguments", self.0.len().saturating_sub(1))
    }
}
