//! Why a request fails: an error of the caller, or a fault of ours.

use config::BadConfig;
use protocol::endpoints::route::NoRoute;
use protocol::error::{ApiError, ErrorCode};

use crate::body::ReadBodyError;
use crate::handlers::events::UnreadablePage;
use crate::room::{RoomError, TurnRefused};
use crate::upstream::CallError;

/// Why a request fails. The caller sees the whole of its own error, and only a code of a fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    #[error(transparent)]
    Caller(#[from] ApiError),
    #[error("failed to find a route")]
    NoRoute(NoRoute),
    #[error(transparent)]
    Config(#[from] BadConfig),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Room(#[from] RoomError),
    #[error(transparent)]
    Page(#[from] UnreadablePage),
    #[error("failed to handle the request: {0}")]
    Runtime(#[from] worker::Error),
    #[error("failed to write the response: {0}")]
    Response(#[from] serde_json::Error),
}

impl From<TurnRefused> for RequestError {
    fn from(TurnRefused: TurnRefused) -> RequestError {
        let message = "This session sends too many writes at once, or too many wait in this branch. Nothing is \
                       lost: send the same request again.";
        RequestError::Caller(ApiError::new(ErrorCode::Busy, message))
    }
}

impl From<ReadBodyError> for RequestError {
    fn from(error: ReadBodyError) -> RequestError {
        match error {
            ReadBodyError::Caller(error) => RequestError::Caller(error),
            ReadBodyError::Runtime(error) => RequestError::Runtime(error),
        }
    }
}

impl RequestError {
    /// The error that the caller sees.
    pub(crate) fn api_error(&self) -> ApiError {
        match self {
            RequestError::Caller(error) => error.clone(),
            RequestError::NoRoute(none) => none.into(),
            RequestError::Room(RoomError::Full) => ApiError::new(
                ErrorCode::RoomFull,
                "This branch has as many connections as it can; pull instead.",
            ),
            RequestError::Room(RoomError::BadTicket) => ApiError::new(
                ErrorCode::TicketInvalid,
                "This ticket was used, has expired, or belongs to another device or page: ask for a new one.",
            ),
            RequestError::Room(RoomError::SessionEnded) => session_revoked(),
            RequestError::Room(RoomError::Unreachable(_) | RoomError::Status(_) | RoomError::Late) => {
                unavailable()
            }
            RequestError::Call(error) if error.is_transient() => unavailable(),
            RequestError::Page(_) => unavailable(),
            RequestError::Call(_)
            | RequestError::Config(_)
            | RequestError::Runtime(_)
            | RequestError::Response(_) => ApiError::new(
                ErrorCode::Internal,
                "Something went wrong on our side. Try again; if it stays, report the request_id.",
            ),
        }
    }

    /// Whether it is a fault of ours, which is logged.
    pub(crate) fn is_fault(&self) -> bool {
        !matches!(
            self,
            RequestError::Caller(_)
                | RequestError::NoRoute(_)
                | RequestError::Room(RoomError::BadTicket | RoomError::SessionEnded)
        )
    }
}

/// The refusal of a session that has ended.
pub(crate) fn session_revoked() -> ApiError {
    ApiError::new(ErrorCode::SessionRevoked, "This session was ended; sign in again.")
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
            assert!(!fault.api_error().message.contains("secret"));
        }
    }

    #[test]
    fn a_transient_fault_is_503_and_any_other_500() {
        let code = |error: CallError| RequestError::Call(error).api_error().code;
        assert_eq!(code(CallError::Unreachable(worker::Error::BodyUsed)), ErrorCode::Unavailable);
        assert_eq!(code(CallError::Platform(502)), ErrorCode::Unavailable);
        assert_eq!(code(CallError::Foreign(403)), ErrorCode::Internal);
        assert_eq!(RequestError::Room(RoomError::Full).api_error().code, ErrorCode::RoomFull);
        assert_eq!(RequestError::Room(RoomError::Status(500)).api_error().code, ErrorCode::Unavailable);
    }
}
