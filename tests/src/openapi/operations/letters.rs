//! Dead letters: what was rejected, and waits for somebody.

use protocol::error::ErrorCode;
use protocol::wire::dead_letters::{DeadLettersResponse, ReplayBody};
use protocol::wire::push::PushResponse;

use super::super::operation::{Body, Operation};
use super::super::schemas::{answer, request};
use super::parameters;

pub(super) fn operations() -> [Operation; 3] {
    let of = |method, path, name, summary| Operation {
        method,
        path,
        name,
        summary,
        token: true,
        parameters: parameters::LETTER,
        answers: Vec::new(),
        codes: &[],
        costs: true,
        ..Operation::default()
    };
    [
        Operation {
            parameters: parameters::LETTERS,
            answers: vec![(200, Some(answer::<DeadLettersResponse>))],
            codes: &[
                ErrorCode::BadLimit,
                ErrorCode::BadCursor,
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::ForbiddenRole,
            ],
            ..of("GET", "/api/sync/dead-letters", "dead_letters", "Lists what was rejected, oldest first.")
        },
        Operation {
            body: Some(Body { shape: request::<ReplayBody>, optional: true }),
            answers: vec![(200, Some(answer::<PushResponse>))],
            codes: &[
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::ForbiddenRole,
                ErrorCode::DeadLetterNotFound,
                ErrorCode::BatchIdReused,
                ErrorCode::PayloadCut,
                ErrorCode::BatchTooLarge,
                ErrorCode::Busy,
            ],
            ..of(
                "POST",
                "/api/sync/dead-letters/{id}/replay",
                "replay_dead_letter",
                "Sends a rejected record again, perhaps corrected.",
            )
        },
        Operation {
            answers: vec![(204, None)],
            // Whatever is sent along is not looked at, but it may be too much.
            codes: &[
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::ForbiddenRole,
                ErrorCode::DeadLetterNotFound,
                ErrorCode::BodyTooLarge,
                ErrorCode::Busy,
            ],
            ..of(
                "POST",
                "/api/sync/dead-letters/{id}/discard",
                "discard_dead_letter",
                "Throws a rejected record away.",
            )
        },
    ]
}
