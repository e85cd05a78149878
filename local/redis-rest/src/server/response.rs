//! Builds responses that end, and headers.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_TYPE, HeaderValue, ORIGIN,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::format::Format;
use crate::reply;
use crate::resp::Reply;

const METHODS: HeaderValue = HeaderValue::from_static("HEAD, GET, POST, PUT");
const SYNC_TOKEN: &str = "upstash-sync-token";

/// The response to a request that was not executed.
pub(super) fn error(status: StatusCode, text: &str) -> Response {
    with_body(status, Format::Json, reply::single(&Reply::error(text), Format::Json))
}

/// The response to a single command; its error is the request's.
pub(super) fn single(reply: &Reply, format: Format) -> Response {
    let status = match reply {
        Reply::Error(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    with_body(status, format, reply::single(reply, format))
}

/// The response to several commands; their errors are not the request's.
pub(super) fn several(replies: &[Reply], format: Format) -> Response {
    with_body(StatusCode::OK, format, reply::several(replies, format))
}

/// The response to a browser's preflight request.
pub(super) fn preflight(request_headers: &HeaderMap) -> Response {
    let mut response = [(ACCESS_CONTROL_ALLOW_METHODS, METHODS)].into_response();
    if let Some(headers) = request_headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, headers.clone());
    }
    response
}

/// Lets a browser's page read the response, whatever its origin.
pub(super) fn allow_origin(response: &mut Response, request_headers: &HeaderMap) {
    if let Some(origin) = request_headers.get(ORIGIN) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// Adds `upstash-sync-token`. There is one database, so clients need not send it back. The service's is in
/// base 32, too.
pub(super) fn add_sync_token(response: &mut Response, executed: u64) {
    if let Ok(value) = HeaderValue::from_str(&base32(executed)) {
        response.headers_mut().insert(SYNC_TOKEN, value);
    }
}

fn with_body(status: StatusCode, format: Format, body: Bytes) -> Response {
    let content_type = match format {
        Format::Json | Format::Base64 => "application/json; charset=utf-8",
        Format::Resp2 => "application/octet-stream",
    };
    (status, [(CONTENT_TYPE, content_type)], body).into_response()
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
    fn numbers_are_written_in_base_32() {
        assert_eq!(["0", "v", "10", "3ue"], [0, 31, 32, 4046].map(base32).each_ref().map(String::as_str));
    }
}
