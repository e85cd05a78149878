//! Pushing, pulling, and what there is to know of a room.

use serde_json::{Value, json};
use shared::error::Code;
use shared::protocol::pull::PullAnswer;
use shared::protocol::push::{PushAnswer, PushBody};
use shared::protocol::resolve::{CurrentCopy, ResolveAnswer, ResolveBody};
use shared::protocol::stats::StatsAnswer;

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
        answers: vec![(200, Some(answer::<PushAnswer>))],
        codes: &[
            Code::BranchRequired,
            Code::BranchForbidden,
            Code::DeviceMismatch,
            Code::BatchIdReused,
            Code::BatchTooLarge,
            Code::Busy,
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
        answers: vec![(200, Some(answer::<PullAnswer>))],
        codes: &[
            Code::BadSince,
            Code::BadCursor,
            Code::BadLimit,
            Code::BadMin,
            Code::UnknownTable,
            Code::TooManyBranches,
            Code::BranchRequired,
            Code::BranchForbidden,
            Code::TableForbidden,
            Code::ResetRequired,
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
        answers: vec![(200, Some(answer::<ResolveAnswer>))],
        codes: &[
            Code::UnknownTable,
            Code::BranchRequired,
            Code::BranchForbidden,
            Code::TableForbidden,
            Code::DeviceMismatch,
            Code::RecordNotFound,
            Code::BatchIdReused,
            Code::VersionChanged,
            Code::BatchTooLarge,
            Code::RecordRejected,
            Code::Busy,
        ],
        costs: true,
        details: &[(Code::VersionChanged, answer::<CurrentCopy>), (Code::RecordRejected, rejection)],
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
        answers: vec![(200, Some(answer::<StatsAnswer>))],
        codes: &[Code::BadMin, Code::BranchRequired, Code::BranchForbidden, Code::ResetRequired],
        costs: true,
        cached: true,
        ..Operation::default()
    }
}

/// A reason of a push's `conflicts`, or a code of its `errors`.
fn rejection(_: &mut Schemas) -> Value {
    json!({ "type": "object", "properties": { "code": { "type": "string" } }, "required": ["code"] })
}
