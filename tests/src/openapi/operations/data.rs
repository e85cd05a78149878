//! Single records.

use shared::error::Code;
use shared::protocol::record::RecordAnswer;

use super::super::operation::Operation;
use super::super::schemas::answer;
use super::parameters;

pub(super) fn operations() -> [Operation; 1] {
    [Operation {
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
    }]
}
