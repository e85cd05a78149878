//! Pushing, pulling, and what there is to know of a room.

use protocol::error::ErrorCode;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{PushBody, PushResponse};
use protocol::wire::resolve::{CurrentCopy, ResolveBody, ResolveResponse};
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};

use super::super::operation::{Body, Operation};
use super::super::schemas::{Schemas, answer, request};
use super::parameters;

pub(super) fn operations() -> [Operation; 4] {
    [push(), pull(), resolve(), stats()]
}

fn push() -> Operation {
    Operation {
        method: "POST",
        path: "/api/sync/batch-push",
        name: "push",
        summary: "Pushes a batch of records.",
        token: true,
        body: Some(Body { shape: request::<PushBody>, optional: false }),
        answers: vec![(200, Some(answer::<PushResponse>))],
        codes: &[
            ErrorCode::BranchRequired,
            ErrorCode::BranchForbidden,
            ErrorCode::DeviceMismatch,
            ErrorCode::BatchIdReused,
            ErrorCode::BatchTooLarge,
            ErrorCode::Busy,
        ],
        costs: true,
        ..Operation::default()
    }
}

fn pull() -> Operation {
    Operation {
        method: "GET",
        path: "/api/sync/pull-changes",
        name: "pull",
        summary: "Pulls a page of changes.",
        token: true,
        parameters: parameters::PULL,
        answers: vec![(200, Some(answer::<PullResponse>))],
        codes: &[
            ErrorCode::BadSince,
            ErrorCode::BadCursor,
            ErrorCode::BadLimit,
            ErrorCode::BadMin,
            ErrorCode::UnknownTable,
            ErrorCode::TooManyBranches,
            ErrorCode::BranchRequired,
            ErrorCode::BranchForbidden,
            ErrorCode::TableForbidden,
            ErrorCode::ResetRequired,
        ],
        costs: true,
        ..Operation::default()
    }
}

fn resolve() -> Operation {
    Operation {
        method: "POST",
        path: "/api/sync/resolve-conflict",
        name: "resolve",
        summary: "Settles a conflict that somebody has looked at.",
        token: true,
        body: Some(Body { shape: request::<ResolveBody>, optional: false }),
        answers: vec![(200, Some(answer::<ResolveResponse>))],
        codes: &[
            ErrorCode::UnknownTable,
            ErrorCode::BranchRequired,
            ErrorCode::BranchForbidden,
            ErrorCode::TableForbidden,
            ErrorCode::DeviceMismatch,
            ErrorCode::RecordNotFound,
            ErrorCode::BatchIdReused,
            ErrorCode::VersionChanged,
            ErrorCode::BatchTooLarge,
            ErrorCode::RecordRejected,
            ErrorCode::Busy,
        ],
        costs: true,
        details: &[
            (ErrorCode::VersionChanged, answer::<CurrentCopy>),
            (ErrorCode::RecordRejected, rejection),
        ],
        ..Operation::default()
    }
}

fn stats() -> Operation {
    Operation {
        method: "GET",
        path: "/api/sync/stats",
        name: "stats",
        summary: "The figures of a room.",
        token: true,
        parameters: parameters::CACHED,
        answers: vec![(200, Some(answer::<StatsResponse>))],
        codes: &[
            ErrorCode::BadMin,
            ErrorCode::BranchRequired,
            ErrorCode::BranchForbidden,
            ErrorCode::ResetRequired,
        ],
        costs: true,
        cached: true,
        ..Operation::default()
    }
}

/// A reason of a push's `conflicts`, or a code of its `errors`.
fn rejection(_: &mut Schemas) -> Value {
    json!({ "type": "object", "properties": { "code": { "type": "string" } }, "required": ["code"] })
}
