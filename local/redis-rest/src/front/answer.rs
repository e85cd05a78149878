//! Answers that end, and their headers.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_TYPE, HeaderValue, ORIGIN,
};
use hyper::{HeaderMap, Response, StatusCode};

use super::Context;
use super::stream::Events;
use crate::format::Format;
use crate::reply;
use crate::resp::Reply;

/// A whole answer, or events.
pub(super) type Answer = Response<Either<Full<Bytes>, Events>>;

const JSON: &str = "application/json; charset=utf-8";
const BINARY: &str = "application/octet-stream";
const METHODS: HeaderValue = HeaderValue::from_static("HEAD, GET, POST, PUT");
const SYNC_TOKEN: &str = "upstash-sync-token";

/// An error of the front's own, or the service's to a request that is none.
pub(super) fn refusal(status: StatusCode, text: &str) -> Answer {
    whole(status, JSON, reply::error(text))
}

/// What a single command came to: its error is the request's.
pub(super) fn single(reply: &Reply, format: Format) -> Answer {
    let mut out = Vec::new();
    reply::write(reply, format, &mut out);
    let status = match reply {
        Reply::Error(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    whole(status, content_type(format), out.into())
}

/// What several commands came to; the errors among them are their own affair.
pub(super) fn several(replies: &[Reply], format: Format) -> Answer {
    let mut out = Vec::new();
    reply::write_all(replies, format, &mut out);
    whole(StatusCode::OK, content_type(format), out.into())
}

/// A method that does not exist. The service says nothing to it.
pub(super) fn method_not_allowed() -> Answer {
    empty(StatusCode::METHOD_NOT_ALLOWED)
}

/// A browser's question whether it may ask.
pub(super) fn preflight(asked: &HeaderMap) -> Answer {
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(headers) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
    }
    answer
}

/// Tells a browser that the page it shows may read the answer.
pub(super) fn allow_origin(answer: &mut Answer, asked: &HeaderMap) {
    if let Some(origin) = asked.get(ORIGIN) {
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Adds `upstash-sync-token`. There is one database, so clients need not send it back; the service's is a
/// number to the base 32, too.
pub(super) fn add_sync_token(answer: &mut Answer, context: &Context) {
    let executed = context.executed.fetch_add(1, Ordering::Relaxed) + 1;
    if let Ok(value) = HeaderValue::from_str(&base32(executed)) {
        answer.headers_mut().insert(SYNC_TOKEN, value);
    }
}

fn content_type(format: Format) -> &'static str {
    if format == Format::Resp2 { BINARY } else { JSON }
}

fn whole(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = empty(status);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    *answer.body_mut() = Either::Left(Full::new(body));
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Either::Left(Full::default()));
    *answer.status_mut() = status;
    answer
}

fn base32(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 32).unwrap_or_default();
        digits.push(char::from_digit(digit, 32).unwrap_or('0'));
        number /= 32;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_to_the_base_32() {
        assert_eq!(["0", "v", "10", "3ue"], [0, 31, 32, 4046].map(base32).each_ref().map(String::as_str));
    }
}
