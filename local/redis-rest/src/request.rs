//! What may arrive: a command, several, a transaction, or the wish for a stream; read by a pure function.
//!
//! Open in the documentation, and decided here: a slash at the end of a path is not an argument, an empty
//! segment in the middle is an empty one; a query argument without a value (`?NX`) is one argument.

use bytes::Bytes;
use thiserror::Error;

mod json;
mod path;

pub(crate) use path::{TOKEN, query_pairs};

/// A command's name and arguments.
pub(crate) type Arguments = Vec<Bytes>;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `POST /` or `/<command>/<argument>/…`
    Command(Arguments),
    /// `/pipeline`
    Pipeline(Vec<Arguments>),
    /// `/multi-exec`
    MultiExec(Vec<Arguments>),
    /// `/subscribe/<channel>` and the like.
    Stream(Stream),
}

/// What is listened to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Channels by name.
    Subscribe(Vec<Bytes>),
    /// Channels by pattern.
    PatternSubscribe(Vec<Bytes>),
    /// Every command.
    Monitor,
}

/// Why a request was not understood, in the service's words.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum BadRequest {
    #[error("EOF")]
    NoBody,
    #[error("expected JSON array")]
    NoArray,
    #[error("ERR empty command")]
    EmptyCommand,
    #[error("ERR null args are not supported")]
    Null,
    #[error("ERR unsupported arg type: \"{0}\": json.Delim")]
    Nested(char),
    #[error("ERR failed to parse request: {0}")]
    Json(String),
}

/// Reads a request. `body` is empty for methods that have none.
pub(crate) fn parse(path: &str, query: Option<&str>, body: &Bytes) -> Result<Request, BadRequest> {
    let mut segments = path::segments(path);
    let first = segments.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    match (first.as_slice(), segments.len()) {
        (_, 0) => Ok(Request::Command(json::command(body)?)),
        (b"pipeline", 1) => Ok(Request::Pipeline(json::commands(body)?)),
        (b"multi-exec", 1) => Ok(Request::MultiExec(json::commands(body)?)),
        (b"monitor", 1) => Ok(Request::Stream(Stream::Monitor)),
        // A body is not an argument here: the published client sends an empty array with every request.
        (b"subscribe", 2..) => Ok(Request::Stream(Stream::Subscribe(segments.split_off(1)))),
        (b"psubscribe", 2..) => Ok(Request::Stream(Stream::PatternSubscribe(segments.split_off(1)))),
        _ => {
            if !body.is_empty() {
                segments.push(body.clone());
            }
            segments.extend(path::query_arguments(query.unwrap_or_default()));
            Ok(Request::Command(segments))
        }
    }
}

#[cfg(test)]
mod tests;
