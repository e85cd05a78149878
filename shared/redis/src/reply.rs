//! Redis's replies, as the service writes them in JSON with base64 encoding.
//!
//! Upstash's REST documentation: with `Upstash-Encoding: base64` every string is encoded except the literal
//! `OK`, and an error is plain text. `OK` is not valid base64 (whose length is a multiple of four), so the
//! two cannot be confused.

mod read;

use std::fmt;

pub use read::{Unreadable, read_many, read_one};

/// One reply. Integers are exact; strings are bytes. `Debug` shows the shape, not the data.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// The status `OK`, or the stored text OK, which the service may write in the same way.
    Ok,
    /// An integer.
    Int(i64),
    /// A string, or a status other than `OK`.
    Bytes(Vec<u8>),
    /// A list of replies.
    Array(Vec<Reply>),
    /// The command failed.
    Error(ServerError),
}

/// The text of Redis's error, without the arguments that it quotes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerError(pub String);

impl ServerError {
    /// Reads an error's text. Redis quotes the first arguments of a command that it does not know.
    fn read(mut text: String) -> ServerError {
        if let Some(quotes) = text.find(", with args beginning with") {
            text.truncate(quotes);
        }
        ServerError(text)
    }

    /// Whether Redis does not know a script's hash; the script has not run.
    pub fn is_no_script(&self) -> bool {
        self.0.starts_with("NOSCRIPT")
    }
}

/// A reply of another type than its command's.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// The reply has another shape.
    #[error("failed to read the reply: {expected} was expected, but {found:?} came")]
    Shape {
        /// The command's reply.
        expected: &'static str,
        /// The actual reply.
        found: Reply,
    },
    /// The reply is a list with wrong elements.
    #[error("failed to read the reply: it is not {expected}")]
    Content {
        /// The command's reply.
        expected: &'static str,
    },
    /// The value is not JSON of the expected type.
    #[error("failed to read the reply as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Reply {
    fn unexpected(self, expected: &'static str) -> ReplyError {
        ReplyError::Shape { expected, found: self }
    }

    /// The integer.
    pub fn int(self) -> Result<i64, ReplyError> {
        if let Reply::Int(number) = self { Ok(number) } else { Err(self.unexpected("an integer")) }
    }

    /// The integer, which must not be negative.
    pub fn count(self) -> Result<u64, ReplyError> {
        match self {
            Reply::Int(number) if number >= 0 => Ok(number.unsigned_abs()),
            other => Err(other.unexpected("a count")),
        }
    }

    /// Whether the integer is 1; it must be 0 or 1.
    pub fn flag(self) -> Result<bool, ReplyError> {
        match self {
            Reply::Int(0) => Ok(false),
            Reply::Int(1) => Ok(true),
            other => Err(other.unexpected("0 or 1")),
        }
    }

    /// Whether the reply is `OK`; it must be `OK` or no value.
    pub fn ok_or_nil(self) -> Result<bool, ReplyError> {
        match self {
            Reply::Ok => Ok(true),
            Reply::Nil => Ok(false),
            other => Err(other.unexpected("OK or nothing")),
        }
    }

    /// The string.
    pub fn bytes(self) -> Result<Vec<u8>, ReplyError> {
        match self {
            Reply::Bytes(bytes) => Ok(bytes),
            Reply::Ok => Ok(b"OK".to_vec()),
            other => Err(other.unexpected("a string")),
        }
    }

    /// The string or no value.
    pub fn bytes_or_nil(self) -> Result<Option<Vec<u8>>, ReplyError> {
        if self == Reply::Nil { Ok(None) } else { self.bytes().map(Some) }
    }

    /// The string, which must be UTF-8.
    pub fn text(self) -> Result<String, ReplyError> {
        String::from_utf8(self.bytes()?)
            .map_err(|error| Reply::Bytes(error.into_bytes()).unexpected("a text in UTF-8"))
    }

    /// The list.
    pub fn array(self) -> Result<Vec<Reply>, ReplyError> {
        if let Reply::Array(items) = self { Ok(items) } else { Err(self.unexpected("a list")) }
    }

    /// The list of strings.
    pub fn all_bytes(self) -> Result<Vec<Vec<u8>>, ReplyError> {
        self.array()?.into_iter().map(Reply::bytes).collect()
    }

    /// The list of strings, each of which may be missing.
    pub fn all_bytes_or_nil(self) -> Result<Vec<Option<Vec<u8>>>, ReplyError> {
        self.array()?.into_iter().map(Reply::bytes_or_nil).collect()
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Nil => f.write_str("nothing"),
            Reply::Ok => f.write_str("OK"),
            Reply::Int(_) => f.write_str("an integer"),
            Reply::Bytes(bytes) => write!(f, "a string of {} bytes", bytes.len()),
            Reply::Array(items) => write!(f, "a list of {}", items.len()),
            Reply::Error(error) => write!(f, "the error {error}"),
        }
    }
}

#[cfg(test)]
mod tests;
