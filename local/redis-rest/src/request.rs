//! Parses a request into commands or a stream; pure.
//!
//! Where the documentation is silent: a slash at the end of a path is no argument, an empty segment in the
//! middle is an empty argument, and a query argument without a value (`?NX`) is one argument.

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use thiserror::Error;

mod json;

/// The query argument that carries the token.
pub(crate) const TOKEN: &str = "_token";

/// A command's name and its arguments. They are bytes: they need not be text.
pub(crate) type Arguments = Vec<Bytes>;

/// A parsed request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `POST /` or `/<command>/<argument>/…`
    Command(Arguments),
    /// `/pipeline`
    Pipeline(Vec<Arguments>),
    /// `/multi-exec`
    MultiExec(Vec<Arguments>),
    /// `/subscribe/<channel>/…`
    Subscribe(Vec<Bytes>),
    /// `/psubscribe/<pattern>/…`
    PatternSubscribe(Vec<Bytes>),
    /// `/monitor`
    Monitor,
}

/// Why a request cannot be parsed, in the service's words.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum ParseError {
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

/// A command of plain words.
pub(crate) fn arguments<'a>(words: impl IntoIterator<Item = &'a str>) -> Arguments {
    words.into_iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

/// Parses a request. `body` is empty for methods without one.
pub(crate) fn parse(path: &str, query: Option<&str>, body: &Bytes) -> Result<Request, ParseError> {
    let mut segments = segments(path);
    let first = segments.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
    match (first.as_slice(), segments.len()) {
        (_, 0) => Ok(Request::Command(json::command(body)?)),
        (b"pipeline", 1) => Ok(Request::Pipeline(json::commands(body)?)),
        (b"multi-exec", 1) => Ok(Request::MultiExec(json::commands(body)?)),
        (b"monitor", 1) => Ok(Request::Monitor),
        // The body is ignored here: the published client sends an empty array with every request.
        (b"subscribe", 2..) => Ok(Request::Subscribe(segments.split_off(1))),
        (b"psubscribe", 2..) => Ok(Request::PatternSubscribe(segments.split_off(1))),
        _ => {
            if !body.is_empty() {
                segments.push(body.clone());
            }
            segments.extend(query_arguments(query.unwrap_or_default()));
            Ok(Request::Command(segments))
        }
    }
}

/// The names and values of a query, in order. Decoded here, since `form_urlencoded` decodes into text.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (Bytes, Bytes)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>().into();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// The arguments that follow a body: `?EX=100` is `EX 100`.
fn query_arguments(query: &str) -> impl Iterator<Item = Bytes> {
    query_pairs(query)
        .filter(|(name, _)| name != TOKEN.as_bytes())
        .flat_map(|(name, value)| std::iter::once(name).chain((!value.is_empty()).then_some(value)))
}

fn segments(path: &str) -> Vec<Bytes> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    path.split('/').map(|segment| percent_decode_str(segment).collect::<Vec<u8>>().into()).collect()
}

#[cfg(test)]
mod tests;
