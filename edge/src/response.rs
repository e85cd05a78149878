//! The response while it is made: in memory of the worker, and handed to the runtime in one piece at the end.
//! A header that is set in the runtime costs more than most of what the edge does for a read.

use std::borrow::Cow;

use auth::rate::decision::RateDecision;
use protocol::endpoints::route::NoRoute;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::REQUEST_ID_HEADER;
use protocol::wire::error_response::ErrorResponse;
use serde::Serialize;

use crate::error::RequestError;
use crate::request_id::RequestId;

mod body;

pub(crate) use body::Body;

/// The challenge of a 401 (RFC 6750, section 3).
const CHALLENGE: &str = r#"Bearer realm="tillsync""#;
const CHALLENGE_BAD_TOKEN: &str = r#"Bearer realm="tillsync", error="invalid_token""#;
/// The challenge of the internal endpoint; RFC 9110 wants one with every 401.
const CHALLENGE_SIGNATURE: &str = r#"Seal realm="tillsync""#;

/// Headers of every response, whatever its status. No response is a page, but a browser may open one: it then
/// uses HTTPS only, guesses no content type, and tells no other site the address, which may hold a token.
const SECURITY_HEADERS: [(&str, &str); 3] = [
    // One year. Not for subdomains, which may be other services of the deployment.
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
];

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case, each once.
    headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) body: Body,
}

impl Response {
    /// A response without a body.
    pub(crate) fn empty(status: u16) -> Response {
        Response::new(status, Body::Empty)
    }

    pub(crate) fn new(status: u16, body: Body) -> Response {
        Response { status, headers: Vec::new(), body }
    }

    /// A response with a body of JSON.
    pub(crate) fn json(status: u16, body: impl Into<Body>) -> Response {
        Response::new(status, body.into()).with("content-type", "application/json")
    }

    /// The same response with a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Response {
        self.set(name, value);
        self
    }

    /// Sets a header, in place of another value.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.remove(name);
        self.headers.push((name, value.into()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| *known != name);
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Hands the response to the runtime.
    pub(crate) fn into_runtime(self) -> worker::Result<worker::web_sys::Response> {
        self.body.into_runtime(self.status, &self.headers)
    }
}

/// A 200 with `body` as JSON.
pub(crate) fn of(body: &impl Serialize) -> Result<Response, serde_json::Error> {
    Ok(Response::json(200, serde_json::to_vec(body)?))
}

pub(crate) fn error(error: &RequestError, id: &RequestId) -> Response {
    let api_error = error.api_error();
    let body = ErrorResponse::new(&api_error, id.as_str()).to_json();
    let mut response = Response::json(api_error.code.status(), body.into_bytes());
    for (name, value) in headers(&api_error) {
        response.set(name, value);
    }
    if let RequestError::NoRoute(NoRoute::MethodNotAllowed(allowed)) = error {
        response.set("allow", allowed.clone());
    }
    response
}

/// Adds the rate limit fields, if the request counted against a limit.
pub(crate) fn limited(response: &mut Response, decision: Option<&RateDecision>) {
    for (name, value) in decision.map(RateDecision::headers).unwrap_or_default() {
        response.set(name, value);
    }
}

/// Adds the headers of every response.
pub(crate) fn finish(response: &mut Response, id: &RequestId) {
    response.set(REQUEST_ID_HEADER, id.to_string());
    for (name, value) in SECURITY_HEADERS {
        response.set(name, value);
    }
    // Tokens and a shop's data must not be cached (RFC 6749, section 5.1); a response that may be says so
    // itself.
    if response.header("cache-control").is_none() {
        response.set("cache-control", "no-store");
    }
    if response.status == 401 && response.header("www-authenticate").is_none() {
        response.set("www-authenticate", CHALLENGE);
    }
}

fn headers(error: &ApiError) -> Vec<(&'static str, Cow<'static, str>)> {
    let mut headers = Vec::new();
    if let Some(secs) = error.retry_after_secs() {
        headers.push(("retry-after", secs.to_string().into()));
    }
    let extra = match error.code {
        ErrorCode::TokenInvalid | ErrorCode::TokenExpired | ErrorCode::SessionRevoked => {
            Some(("www-authenticate", CHALLENGE_BAD_TOKEN))
        }
        ErrorCode::BadSignature => Some(("www-authenticate", CHALLENGE_SIGNATURE)),
        ErrorCode::UpgradeRequired => Some(("upgrade", "websocket")),
        _ => None,
    };
    headers.extend(extra.map(|(name, value)| (name, value.into())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: ErrorCode) -> Vec<(&'static str, Cow<'static, str>)> {
        headers(&ApiError::new(code, "m"))
    }

    #[test]
    fn each_code_brings_its_headers() {
        assert_eq!(of(ErrorCode::Unavailable), [("retry-after", "1".into())]);
        assert_eq!(of(ErrorCode::RoomFull), [("retry-after", "1".into())]);
        assert_eq!(of(ErrorCode::TokenExpired), [("www-authenticate", CHALLENGE_BAD_TOKEN.into())]);
        assert_eq!(of(ErrorCode::BadSignature), [("www-authenticate", CHALLENGE_SIGNATURE.into())]);
        assert_eq!(of(ErrorCode::UpgradeRequired), [("upgrade", "websocket".into())]);
        assert_eq!(of(ErrorCode::NotFound), []);
    }

    #[test]
    fn a_header_that_is_set_again_has_the_last_value() {
        let mut response = Response::empty(200).with("vary", "a").with("etag", "b");
        response.set("vary", "origin");
        assert_eq!((response.header("vary"), response.headers.len()), (Some("origin"), 2));
        response.remove("vary");
        assert_eq!((response.header("vary"), response.header("etag")), (None, Some("b")));
    }

    #[test]
    fn every_response_has_the_headers_of_all_and_keeps_its_own() {
        let id = RequestId::new();
        let mut plain = Response::empty(401);
        finish(&mut plain, &id);
        assert_eq!(plain.header(REQUEST_ID_HEADER), Some(id.as_str()));
        assert_eq!(plain.header("cache-control"), Some("no-store"));
        assert_eq!(plain.header("www-authenticate"), Some(CHALLENGE));
        assert!(SECURITY_HEADERS.iter().all(|(name, value)| plain.header(name) == Some(value)));
        let mut own = Response::empty(401).with("cache-control", "public").with("www-authenticate", "x");
        finish(&mut own, &id);
        assert_eq!(
            (own.header("cache-control"), own.header("www-authenticate")),
            (Some("public"), Some("x"))
        );
    }
}
