//! Records, one or several.

use shared::error::Code;
use shared::protocol::record::{BatchGet, BatchGetAnswer, RecordAnswer};

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
            answers: vec![(200, Some(answer::<RecordAnswer>))],
            codes: &[
                Code::BadMin,
                Code::UnknownTable,
                Code::BranchRequired,
                Code::BranchForbidden,
                Code::TableForbidden,
                Code::RecordNotFound,
                Code::ResetRequired,
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
            answers: vec![(200, Some(answer::<BatchGetAnswer>))],
            codes: &[
                Code::BadMin,
                Code::BatchTooLarge,
                Code::UnknownTable,
                Code::BranchRequired,
                Code::BranchForbidden,
                Code::TableForbidden,
                Code::ResetRequired,
            ],
            costs: true,
            cached: true,
            ..Operation::default()
        },
    ]
}
