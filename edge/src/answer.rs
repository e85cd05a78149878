//! What every answer of the edge has in common, and how an error looks.

use auth::rate::decision::Decision;
use auth::rate::headers::fields;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::REQUEST_ID_HEADER;
use protocol::wire::error_response::ErrorResponse;
use worker::{Response, ResponseBuilder};

use crate::error::RequestError;
use crate::request_id::RequestId;
use crate::route::NoRoute;

/// Who signs in wrongly, or not at all, is told how (RFC 6750, section 3).
const CHALLENGE: &str = r#"Bearer realm="tillsync""#;
const CHALLENGE_BAD_TOKEN: &str = r#"Bearer realm="tillsync", error="invalid_token""#;
/// The internal address wants a seal instead; RFC 9110 has no 401 without a challenge.
const CHALLENGE_SEAL: &str = r#"Seal realm="tillsync""#;

/// 200 with a JSON body.
pub(crate) fn json(body: &str) -> worker::Result<Response> {
    let builder = ResponseBuilder::new().with_header("content-type", "application/json")?;
    Ok(builder.fixed(body.as_bytes().to_vec()))
}

/// The answer to a request that ended in `error`.
pub(crate) fn error(error: &RequestError, id: &RequestId) -> worker::Result<Response> {
    let refusal = error.refusal();
    let mut builder = ResponseBuilder::new()
        .with_status(refusal.code.status())
        .with_header("content-type", "application/json")?;
    for (name, value) in headers(&refusal) {
        builder = builder.with_header(name, &value)?;
    }
    if let RequestError::NoRoute(NoRoute::MethodNotAllowed(allowed)) = error {
        builder = builder.with_header("allow", allowed)?;
    }
    Ok(builder.fixed(ErrorResponse::new(&refusal, id.as_str()).to_json().into_bytes()))
}

/// `response` with where the caller stands, if the request counted against a limit.
pub(crate) fn limited(mut response: Response, decision: Option<&Decision>) -> worker::Result<Response> {
    let headers = response.headers_mut();
    for (name, value) in decision.map(fields).unwrap_or_default() {
        headers.set(name, &value)?;
    }
    Ok(response)
}

/// `response` with the headers that every answer has.
pub(crate) fn finish(mut response: Response, id: &RequestId) -> worker::Result<Response> {
    let unauthorized = response.status_code() == 401;
    let headers = response.headers_mut();
    headers.set(REQUEST_ID_HEADER, id.as_str())?;
    // Tokens and a shop's figures have no place in anybody's cache (RFC 6749, section 5.1). What has says so.
    if !headers.has("cache-control")? {
        headers.set("cache-control", "no-store")?;
    }
    if unauthorized && !headers.has("www-authenticate")? {
        headers.set("www-authenticate", CHALLENGE)?;
    }
    Ok(response)
}

/// The headers that go with a refusal's code.
fn headers(refusal: &ApiError) -> Vec<(&'static str, String)> {
    let mut headers = Vec::new();
    if let Some(secs) = refusal.code.retry_after_secs() {
        headers.push(("retry-after", secs.to_string()));
    }
    let extra = match refusal.code {
        ErrorCode::TokenInvalid | ErrorCode::TokenExpired | ErrorCode::SessionRevoked => {
            Some(("www-authenticate", CHALLENGE_BAD_TOKEN))
        }
        ErrorCode::BadSignature => Some(("www-authenticate", CHALLENGE_SEAL)),
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
        assert_eq!(of(ErrorCode::BadSignature), [("www-authenticate", CHALLENGE_SEAL.into())]);
        assert_eq!(of(ErrorCode::UpgradeRequired), [("upgrade", "websocket".into())]);
        assert_eq!(of(ErrorCode::NotFound), []);
    }
}
