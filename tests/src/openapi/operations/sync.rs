//! Pushing and pulling.

use shared::error::Code;
use shared::protocol::pull::PullAnswer;
use shared::protocol::push::{PushAnswer, PushBody};

use super::super::operation::{Body, Operation};
use super::super::schemas::{answer, request};
use super::parameters;

pub(super) fn operations() -> Vec<Operation> {
    vec![push(), pull()]
}

fn push() -> Operation {
    Operation {
        method: "POST",
        path: "/api/sync/batch-push",
        name: "push",
        summary: "Pushes a batch of records.",
        token: true,
        parameters: &[],
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
        frames: &[],
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
        body: None,
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
        frames: &[],
    }
}
