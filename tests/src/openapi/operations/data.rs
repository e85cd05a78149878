//! Records, one or several.

use protocol::error::ErrorCode;
use protocol::wire::record::{BatchGet, BatchGetResponse, RecordResponse};

use super::super::operation::{Body, Operation};
use super::super::schemas::{answer, request};
use super::parameters;

pub(super) fn operations() -> [Operation; 2] {
    [
        Operation {
            path: "/api/data/{table}/{record_id}",
            name: "record",
            summary: "One record.",
            parameters: parameters::RECORD,
            answers: vec![(200, Some(answer::<RecordResponse>))],
            codes: &[
                ErrorCode::BadMin,
                ErrorCode::UnknownTable,
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::TableForbidden,
                ErrorCode::RecordNotFound,
                ErrorCode::ResetRequired,
            ],
            costs: true,
            cached: true,
            ..Operation::default()
        },
        Operation {
            method: "POST",
            path: "/api/data/batch-get",
            name: "batchGet",
            summary: "Several records.",
            parameters: parameters::CACHED,
            body: Some(Body { shape: request::<BatchGet>, optional: false }),
            answers: vec![(200, Some(answer::<BatchGetResponse>))],
            codes: &[
                ErrorCode::BadMin,
                ErrorCode::BatchTooLarge,
                ErrorCode::UnknownTable,
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::TableForbidden,
                ErrorCode::ResetRequired,
            ],
            costs: true,
            cached: true,
            ..Operation::default()
        },
    ]
}
