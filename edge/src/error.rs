//! Why a request is not answered as it was meant: the caller's doing, or ours.

use config::BadConfig;
use protocol::error::{ApiError, ErrorCode};

use crate::functions::CallError;
use crate::room::RoomError;
use crate::route::NoRoute;

/// What ends a request early. A refusal is told to the caller; of a fault, the caller hears a code only.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The caller's doing.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The caller asked for something that is not there.
    #[error("failed to find a route")]
    NoRoute(NoRoute),
    /// The deployment lacks something.
    #[error(transparent)]
    Config(#[from] BadConfig),
    /// A function did not answer as functions do.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A room did not do what it was asked.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The runtime did not take or give a value.
    #[error("failed to handle the request: {0}")]
    Runtime(#[from] worker::Error),
}

impl RequestError {
    /// What the caller is told.
    pub(crate) fn refusal(&self) -> ApiError {
        match self {
            RequestError::Refused(refusal) => refusal.clone(),
            RequestError::NoRoute(none) => none.refusal(),
            RequestError::Room(RoomError::Full) => ApiError::new(
                ErrorCode::RoomFull,
                "This branch has as many connections as it can; pull instead.",
            ),
            RequestError::Room(RoomError::Unreachable(_) | RoomError::Answered(_)) => unavailable(),
            RequestError::Call(error) if error.passes() => unavailable(),
            RequestError::Call(_) | RequestError::Config(_) | RequestError::Runtime(_) => ApiError::new(
                ErrorCode::Internal,
                "Something went wrong on our side. Try again; if it stays, report the request_id.",
            ),
        }
    }

    /// Whether it is for us to look into.
    pub(crate) fn is_fault(&self) -> bool {
        !matches!(self, RequestError::Refused(_) | RequestError::NoRoute(_))
    }
}

fn unavailable() -> ApiError {
    ApiError::new(
        ErrorCode::Unavailable,
        "The service does not answer at the moment. Nothing is lost: send the same request again, a push \
         with the same batch_id.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_never_shows_its_cause() {
        let faults = [
            RequestError::Runtime(worker::Error::RustError("secret".into())),
            RequestError::Call(CallError::Unreachable(worker::Error::RustError("secret".into()))),
            RequestError::Call(CallError::Foreign(403)),
            RequestError::Room(RoomError::Unreachable(worker::Error::RustError("secret".into()))),
        ];
        for fault in faults {
            assert!(fault.is_fault());
            assert!(!fault.refusal().message.contains("secret"));
        }
    }

    #[test]
    fn what_passes_is_503_and_what_does_not_is_500() {
        let code = |error: CallError| RequestError::Call(error).refusal().code;
        assert_eq!(code(CallError::Unreachable(worker::Error::BodyUsed)), ErrorCode::Unavailable);
        assert_eq!(code(CallError::Platform(502)), ErrorCode::Unavailable);
        assert_eq!(code(CallError::Foreign(403)), ErrorCode::Internal);
        assert_eq!(RequestError::Room(RoomError::Full).refusal().code, ErrorCode::RoomFull);
        assert_eq!(RequestError::Room(RoomError::Answered(500)).refusal().code, ErrorCode::Unavailable);
    }
}
