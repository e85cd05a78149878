//! Headers of every response, and error responses.

use auth::rate::decision::RateDecision;
use protocol::endpoints::route::NoRoute;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::REQUEST_ID_HEADER;
use protocol::wire::error_response::ErrorResponse;
use serde::Serialize;
use worker::{Response, ResponseBuilder};

use crate::error::RequestError;
use crate::request_id::RequestId;

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

/// 200 with a JSON body.
pub(crate) fn json(body: &str) -> worker::Result<Response> {
    let builder = ResponseBuilder::new().with_header("content-type", "application/json")?;
    Ok(builder.fixed(body.as_bytes().to_vec()))
}

/// A 200 with `body` as JSON.
pub(crate) fn of(body: &impl Serialize) -> worker::Result<Response> {
    json(&serde_json::to_string(body)?)
}

pub(crate) fn error(error: &RequestError, id: &RequestId) -> worker::Result<Response> {
    let api_error = error.api_error();
    let mut builder = ResponseBuilder::new()
        .with_status(api_error.code.status())
        .with_header("content-type", "application/json")?;
    for (name, value) in headers(&api_error) {
        builder = builder.with_header(name, &value)?;
    }
    if let RequestError::NoRoute(NoRoute::MethodNotAllowed(allowed)) = error {
        builder = builder.with_header("allow", allowed)?;
    }
    Ok(builder.fixed(ErrorResponse::new(&api_error, id.as_str()).to_json().into_bytes()))
}

/// Adds the rate limit fields, if the request counted against a limit.
pub(crate) fn limited(mut response: Response, decision: Option<&RateDecision>) -> worker::Result<Response> {
    let headers = response.headers_mut();
    for (name, value) in decision.map(RateDecision::headers).unwrap_or_default() {
        headers.set(name, &value)?;
    }
    Ok(response)
}

/// Adds the headers of every response.
pub(crate) fn finish(mut response: Response, id: &RequestId) -> worker::Result<Response> {
    let unauthorized = response.status_code() == 401;
    let headers = response.headers_mut();
    headers.set(REQUEST_ID_HEADER, id.as_str())?;
    for (name, value) in SECURITY_HEADERS {
        headers.set(name, value)?;
    }
    // Tokens and a shop's data must not be cached (RFC 6749, section 5.1); a response that may be says so
    // itself.
    if !headers.has("cache-control")? {
        headers.set("cache-control", "no-store")?;
    }
    if unauthorized && !headers.has("www-authenticate")? {
        headers.set("www-authenticate", CHALLENGE)?;
    }
    Ok(response)
}

fn headers(error: &ApiError) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Some(secs) = error.retry_after_secs() {
        headers.push(("retry-after", secs.to_string()));
    }
    let extra = match error.code {
        ErrorCode::TokenInvalid | ErrorCode::TokenExpired | ErrorCode::SessionRevoked => {
            Some(("www-authenticate", CHALLENGE_BAD_TOKEN))
        }
        ErrorCode::BadSignature => Some(("www-authenticate", CHALLENGE_SIGNATURE)),
        ErrorCode::UpgradeRequired => Some(("upgrade", "websocket")),
        _ => None,
    };
    headers.extend(extra.map(|(name, value)| (name, value.to_owned())));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: ErrorCode) -> Vec<(&'static str, String)> {
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
}
