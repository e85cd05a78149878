//! From a handler's result to a response over HTTP.

use cache::request::Source;
use lambda_http::http::StatusCode;
use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER};
use lambda_http::{Body, Request, Response};
use protocol::error::ApiError;
use protocol::wire::error_response::ErrorResponse;
use protocol::wire::{CACHE_HEADER, COST_HEADER, REQUEST_ID_HEADER};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::HandlerError;
use crate::dynamo::cost::Cost;

/// Hexadecimal digits of a tag.
const ETAG_DIGITS: usize = 16;

/// A successful response.
pub struct HandlerResponse {
    status: StatusCode,
    content_type: &'static str,
    body: String,
    source: Option<Source>,
    etag: Option<String>,
}

/// What a handler returns.
pub type HandlerResult = Result<HandlerResponse, HandlerError>;

impl HandlerResponse {
    /// 200 with `body` as JSON.
    pub fn json(body: &impl Serialize) -> HandlerResult {
        Ok(HandlerResponse::json_text(serde_json::to_string(body)?))
    }

    /// 200 with JSON text.
    pub fn json_text(body: String) -> HandlerResponse {
        let (status, content_type) = (StatusCode::OK, "application/json");
        HandlerResponse { status, content_type, body, source: None, etag: None }
    }

    /// 204.
    pub fn no_content() -> HandlerResponse {
        HandlerResponse { status: StatusCode::NO_CONTENT, ..HandlerResponse::json_text(String::new()) }
    }

    /// The same response with another content type.
    pub fn with_content_type(self, content_type: &'static str) -> HandlerResponse {
        HandlerResponse { content_type, ..self }
    }

    /// The same response with the header that says where its content was found.
    pub fn from_cache(self, source: Source) -> HandlerResponse {
        HandlerResponse { source: Some(source), ..self }
    }

    /// The same response with a weak `ETag` of `content`: the response without what changes between two reads
    /// although nothing happened, such as the time of the reading.
    ///
    /// # Errors
    ///
    /// If `content` cannot be written as JSON.
    pub fn tagged_by(self, content: &impl Serialize) -> HandlerResult {
        let digest = hex::encode(Sha256::digest(serde_json::to_vec(content)?));
        let etag = Some(format!("W/\"{}\"", digest.get(..ETAG_DIGITS).unwrap_or_default()));
        Ok(HandlerResponse { etag, ..self })
    }
}

/// What the caller is told; a fault is logged with its cause.
pub fn reported(error: HandlerError, request_id: &str) -> ApiError {
    if !matches!(error, HandlerError::Refused(_)) {
        tracing::error!(request_id, error = ?error, "request failed");
    }
    error.into_api_error()
}

/// Converts `result` into a response, with the header `Tillsync-Cost` if the endpoint counts its cost, and
/// logs faults with their causes.
pub(super) fn respond(request: &Request, cost: Option<&Cost>, result: HandlerResult) -> Response<Body> {
    let request_id =
        request.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok()).unwrap_or("none");
    let (response, retry_after) = match result {
        Ok(response) => (response, None),
        Err(error) => {
            let error = reported(error, request_id);
            let status =
                StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = ErrorResponse::new(&error, request_id).to_json();
            (HandlerResponse { status, ..HandlerResponse::json_text(body) }, error.retry_after_secs())
        }
    };
    let mut builder = Response::builder()
        .status(response.status)
        .header(CACHE_CONTROL, "no-store")
        .header(REQUEST_ID_HEADER, request_id);
    if let Some(cost) = cost {
        builder = builder.header(COST_HEADER, cost.to_string());
    }
    if response.status != StatusCode::NO_CONTENT {
        builder = builder.header(CONTENT_TYPE, response.content_type);
    }
    if let Some(source) = response.source {
        builder = builder.header(CACHE_HEADER, source.as_str());
    }
    if let Some(etag) = response.etag {
        builder = builder.header(ETAG, etag);
    }
    if let Some(secs) = retry_after {
        builder = builder.header(RETRY_AFTER, secs);
    }
    // Status and headers are valid, so the builder cannot fail.
    builder.body(Body::Text(response.body)).unwrap_or_default()
}
