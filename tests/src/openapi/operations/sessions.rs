//! Where a user is signed in.

use protocol::error::ErrorCode;
use protocol::wire::sessions::{SessionsEnded, SessionsResponse};

use super::super::operation::Operation;
use super::super::schemas::answer;
use super::parameters;

pub(super) fn operations() -> [Operation; 2] {
    [
        Operation {
            path: "/api/sessions",
            name: "sessions",
            summary: "Where the caller is signed in.",
            answers: vec![(200, Some(answer::<SessionsResponse>))],
            ..Operation::default()
        },
        Operation {
            method: "DELETE",
            path: "/api/sessions/{id}",
            name: "endSessions",
            summary: "Ends one of the caller's sessions, all others, or all.",
            parameters: parameters::SESSION,
            answers: vec![(200, Some(answer::<SessionsEnded>))],
            codes: &[ErrorCode::SessionNotFound],
            ..Operation::default()
        },
    ]
}
