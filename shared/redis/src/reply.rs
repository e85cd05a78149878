//! What Redis says, as the service writes it in JSON with base64 asked for.
//!
//! By the service's description, with `Upstash-Encoding: base64` every string is encoded but the literal `OK`, and an
//! error is text as it is. `OK` is no base64 (whose length is a multiple of four), so the two cannot be mistaken.

mod read;

use std::fmt;

pub use read::{Unreadable, read_many, read_one};

/// One reply. Integers are exact; strings are bytes. `Debug` shows the shape, not the data.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Nothing is there.
    Nil,
    /// Done: the status `OK`, or the stored text OK, which the service may write in the same way.
    Ok,
    /// An integer.
    Int(i64),
    /// A string, or a status other than `OK`.
    Bytes(Vec<u8>),
    /// A list of replies.
    Array(Vec<Reply>),
    /// The command failed; the text is Redis's own.
    Error(ServerError),
}

/// An error that Redis answered a command with, in its own words, without those of the command that it quotes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerError(pub String);

impl ServerError {
    /// Reads an error's text. To a command that it does not know Redis answers with the first arguments.
    fn read(mut text: String) -> ServerError {
        if let Some(quotes) = text.find(", with args beginning with") {
            text.truncate(quotes);
        }
        ServerError(text)
    }

    /// Whether a script is not known by its hash, in which case nothing of it has run.
    pub fn is_no_script(&self) -> bool {
        self.0.starts_with("NOSCRIPT")
    }
}

/// Why a reply is not what its command is answered with.
#[derive(Debug, thiserror::Error)]
pub enum ReplyError {
    /// It has another shape.
    #[error("failed to read the reply: {expected} was expected, but {found:?} came")]
    Shape {
        /// What the command is answered with.
        expected: &'static str,
        /// What came.
        found: Reply,
    },
    /// It is a list of the right sort, with the wrong things in it.
    #[error("failed to read the reply: it is not {expected}")]
    Content {
        /// What the command is answered with.
        expected: &'static str,
    },
    /// It is no JSON of the type that was stored.
    #[error("failed to read the reply as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Reply {
    fn unlike(self, expected: &'static str) -> ReplyError {
        ReplyError::Shape { expected, found: self }
    }

    /// The integer.
    pub fn int(self) -> Result<i64, ReplyError> {
        if let Reply::Int(number) = self { Ok(number) } else { Err(self.unlike("an integer")) }
    }

    /// The integer, which counts something.
    pub fn count(self) -> Result<u64, ReplyError> {
        match self {
            Reply::Int(number) if number >= 0 => Ok(number.unsigned_abs()),
            other => Err(other.unlike("a count")),
        }
    }

    /// Whether the integer is 1 and not 0.
    pub fn flag(self) -> Result<bool, ReplyError> {
        match self {
            Reply::Int(0) => Ok(false),
            Reply::Int(1) => Ok(true),
            other => Err(other.unlike("0 or 1")),
        }
    }

    /// Nothing but `OK`.
    pub fn ok(self) -> Result<(), ReplyError> {
        if self == Reply::Ok { Ok(()) } else { Err(self.unlike("OK")) }
    }

    /// `OK`, or nothing if a condition did not hold.
    pub fn ok_or_nil(self) -> Result<bool, ReplyError> {
        match self {
            Reply::Ok => Ok(true),
            Reply::Nil => Ok(false),
            other => Err(other.unlike("OK or nothing")),
        }
    }

    /// The string.
    pub fn bytes(self) -> Result<Vec<u8>, ReplyError> {
        match self {
            Reply::Bytes(bytes) => Ok(bytes),
            Reply::Ok => Ok(b"OK".to_vec()),
            other => Err(other.unlike("a string")),
        }
    }

    /// The string, or nothing.
    pub fn bytes_or_nil(self) -> Result<Option<Vec<u8>>, ReplyError> {
        if self == Reply::Nil { Ok(None) } else { self.bytes().map(Some) }
    }

    /// The string, which must be UTF-8.
    pub fn text(self) -> Result<String, ReplyError> {
        String::from_utf8(self.bytes()?)
            .map_err(|error| Reply::Bytes(error.into_bytes()).unlike("a text in UTF-8"))
    }

    /// The list.
    pub fn array(self) -> Result<Vec<Reply>, ReplyError> {
        if let Reply::Array(items) = self { Ok(items) } else { Err(self.unlike("a list")) }
    }

    /// The list of strings.
    pub fn all_bytes(self) -> Result<Vec<Vec<u8>>, ReplyError> {
        self.array()?.into_iter().map(Reply::bytes).collect()
    }

    /// The list of strings and of nothing where there is none.
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
