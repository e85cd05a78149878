//! `GET /api/branches`

use protocol::error::{ApiError, ErrorCode};
use protocol::ids::BranchId;
use protocol::limits::{BRANCHES_LIMIT_DEFAULT, BRANCHES_LIMIT_MAX};
use protocol::role::Role;
use protocol::wire::branches::BranchesResponse;
use sync::counts::RoomCounts;
use sync::snapshot::Head;
use sync::stats::branch_summary;

use crate::context::Context;
use crate::dynamo::cost::Cost;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Begins every cursor; the last branch of the page follows.
const CURSOR: &str = "b1.";

/// Returns a page of the branches that the caller may see, with their figures: two items each.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>, cost: &mut Cost) -> HandlerResult {
    let (sync, claims) = (context.sync()?, request.claims()?);
    let (limit, after) = page(request.parameter("limit"), request.parameter("cursor"))?;
    let (branches, has_more) = match claims.role {
        Role::SuperAdmin => {
            let (listed, more) = sync.store.branches_after(&claims.client_id, after, limit, cost).await?;
            (listed.into_iter().map(|branch| branch.id).collect(), more)
        }
        _ => (vec![claims.room_of(None)?.branch], false),
    };
    let next_cursor = branches.last().filter(|_| has_more).map(|last| format!("{CURSOR}{last}"));
    let found = sync.store.branch_figures(&claims.client_id, branches, cost).await?;
    let summary = |(branch, head, counts): (BranchId, Option<Head>, RoomCounts)| {
        branch_summary(&sync.rules.tables, claims.role, &branch, head.as_ref(), counts)
    };
    let branches = found.into_iter().map(summary).collect();
    HandlerResponse::json(&BranchesResponse { branches, has_more, next_cursor })
}

/// The size of the page, and the branch before it.
fn page(limit: Option<&str>, cursor: Option<&str>) -> Result<(usize, Option<BranchId>), ApiError> {
    let limit = limit.map_or(Some(BRANCHES_LIMIT_DEFAULT), |text| text.parse().ok());
    let limit = limit.filter(|limit| (1..=BRANCHES_LIMIT_MAX).contains(limit)).ok_or_else(|| {
        let message = format!("`limit` must be a number from 1 to {BRANCHES_LIMIT_MAX}.");
        ApiError::new(ErrorCode::BadLimit, message)
    })?;
    let after = |text: &str| text.strip_prefix(CURSOR)?.parse().ok();
    let bad_cursor =
        || ApiError::new(ErrorCode::BadCursor, "`cursor` must be one from a response, unchanged.");
    let cursor = cursor.filter(|text| !text.is_empty());
    Ok((limit, cursor.map(|text| after(text).ok_or_else(bad_cursor)).transpose()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_size_and_begins_after_a_branch() {
        assert_eq!(page(None, None).unwrap(), (50, None));
        assert_eq!(page(Some("100"), Some("b1.7")).unwrap(), (100, Some("7".parse().unwrap())));
        assert_eq!(page(None, Some("")).unwrap(), (50, None));
        for limit in ["0", "101", "-1", "ten", ""] {
            assert_eq!(page(Some(limit), None).unwrap_err().code, ErrorCode::BadLimit, "{limit}");
        }
        for cursor in ["7", "b1.", "b1.a#b", "d1.7", "b2.7"] {
            assert_eq!(page(None, Some(cursor)).unwrap_err().code, ErrorCode::BadCursor, "{cursor}");
        }
    }
}
