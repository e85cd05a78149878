//! Why a handler has no response.

use protocol::error::{ApiError, ErrorCode};

/// Why a handler has no response.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The caller's mistake.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// A dependency does not respond; a retry may succeed.
    #[error("failed to reach a dependency")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Our mistake: a bug, a missing permission, damaged data.
    #[error("failed to handle the request")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HandlerError {
    /// A fault with its cause.
    pub fn fault(cause: impl std::error::Error + Send + Sync + 'static) -> HandlerError {
        HandlerError::Fault(Box::new(cause))
    }

    /// Whether a dependency failed, so that the same request may succeed in a moment.
    pub fn is_transient(&self) -> bool {
        matches!(self, HandlerError::Unavailable(_))
    }

    /// What the caller is told: never the cause of a fault.
    pub fn into_api_error(self) -> ApiError {
        match self {
            HandlerError::Refused(error) => error,
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
