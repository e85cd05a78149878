//! What the cache did, and what it must forget.

use protocol::error::ErrorCode;
use protocol::wire::cache::{
    CacheReport, CacheStatsResponse, CacheWarmResponse, Invalidate, Invalidated, Warm,
};

use super::super::operation::{Body, Operation};
use super::super::schemas::{answer, request};
use super::parameters;

pub(super) fn operations() -> [Operation; 4] {
    let codes = &[ErrorCode::ForbiddenRole];
    [
        Operation {
            path: "/api/cache/report",
            name: "cacheReport",
            summary: "What the cache did on a day.",
            parameters: parameters::DAY,
            answers: vec![(200, Some(answer::<CacheReport>))],
            codes,
            ..Operation::default()
        },
        Operation {
            path: "/api/cache/stats",
            name: "cacheStats",
            summary: "How the cache does, and what it did today.",
            answers: vec![(200, Some(answer::<CacheStatsResponse>))],
            codes,
            ..Operation::default()
        },
        Operation {
            method: "POST",
            path: "/api/cache/invalidate",
            name: "invalidateCache",
            summary: "Makes the cache forget, a step at a time.",
            body: Some(Body { shape: request::<Invalidate>, optional: false }),
            answers: vec![(200, Some(answer::<Invalidated>))],
            codes: &[ErrorCode::ForbiddenRole, ErrorCode::BadCursor],
            ..Operation::default()
        },
        Operation {
            method: "POST",
            path: "/api/cache/warm",
            name: "warmCache",
            summary: "Reads a table into the cache, a page at a time.",
            body: Some(Body { shape: request::<Warm>, optional: false }),
            answers: vec![(200, Some(answer::<CacheWarmResponse>))],
            costs: true,
            codes: &[
                ErrorCode::ForbiddenRole,
                ErrorCode::BadCursor,
                ErrorCode::UnknownTable,
                ErrorCode::BranchRequired,
                ErrorCode::BranchForbidden,
                ErrorCode::TableForbidden,
            ],
            ..Operation::default()
        },
    ]
}
