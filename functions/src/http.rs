//! What a function answers over HTTP.

use cache::request::Source;
use lambda_http::http::StatusCode;
use lambda_http::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::error_response::ErrorResponse;
use protocol::wire::{CACHE_HEADER, COST_HEADER, REQUEST_ID_HEADER};

use crate::store::cost::Cost;

/// An answer that is no error.
pub struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: String,
    source: Option<Source>,
}

impl Answer {
    /// 200 with JSON text.
    pub fn json(body: String) -> Answer {
        Answer { status: StatusCode::OK, content_type: "application/json", body, source: None }
    }

    /// 204.
    pub fn no_content() -> Answer {
        Answer { status: StatusCode::NO_CONTENT, ..Answer::json(String::new()) }
    }

    /// The same answer as another type of content.
    pub fn of_type(self, content_type: &'static str) -> Answer {
        Answer { content_type, ..self }
    }

    /// The same answer, which says where its content was found.
    pub fn from_cache(self, source: Source) -> Answer {
        Answer { source: Some(source), ..self }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The caller's doing.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// Something we depend on does not answer; worth a retry.
    #[error("failed to reach a dependency")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Ours: a bug, a wrong permission, damaged data.
    #[error("failed to handle the request")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HandlerError {
    /// A fault with its cause.
    pub fn fault(cause: impl std::error::Error + Send + Sync + 'static) -> HandlerError {
        HandlerError::Fault(Box::new(cause))
    }

    /// What the caller is told, which is never more than the caller can use.
    fn refusal(self) -> ApiError {
        match self {
            HandlerError::Refused(refusal) => refusal,
            HandlerError::Unavailable(_) => {
                let message = "The store does not answer. Nothing is lost: send the same request again.";
                ApiError::new(ErrorCode::Unavailable, message)
            }
            HandlerError::Fault(_) => {
                ApiError::new(ErrorCode::Internal, "Something went wrong here. Report the request id.")
            }
        }
    }
}

impl From<serde_json::Error> for HandlerError {
    fn from(error: serde_json::Error) -> HandlerError {
        HandlerError::fault(error)
    }
}

/// The response for `result`, with what it cost where that was counted; a fault is logged with its causes.
pub fn respond(
    request: &Request,
    cost: Option<&Cost>,
    result: Result<Answer, HandlerError>,
) -> Response<Body> {
    let request_id =
        request.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok()).unwrap_or("none");
    let (answer, retry_after) = match result {
        Ok(answer) => (answer, None),
        Err(failed) => {
            if !matches!(failed, HandlerError::Refused(_)) {
                tracing::error!(request_id, error = ?failed, "request failed");
            }
            let refusal = failed.refusal();
            let status =
                StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let body = ErrorResponse::new(&refusal, request_id).to_json();
            (Answer { status, ..Answer::json(body) }, refusal.code.retry_after_secs())
        }
    };
    let mut response = Response::builder()
        .status(answer.status)
        .header(CACHE_CONTROL, "no-store")
        .header(REQUEST_ID_HEADER, request_id);
    if let Some(cost) = cost {
        response = response.header(COST_HEADER, cost.to_string());
    }
    if answer.status != StatusCode::NO_CONTENT {
        response = response.header(CONTENT_TYPE, answer.content_type);
    }
    if let Some(source) = answer.source {
        response = response.header(CACHE_HEADER, source.as_str());
    }
    if let Some(secs) = retry_after {
        response = response.header(RETRY_AFTER, secs);
    }
    // Every part was checked above, so there is nothing left to refuse.
    response.body(Body::Text(answer.body)).unwrap_or_default()
}
