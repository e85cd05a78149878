//! Pulls and their pages, as the checks read them.

use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;

use super::Call;
use crate::sim::api::parameter;
use crate::sim::event_log::PageReply;

/// The limit in the query of a pull.
pub(super) fn limit(query: &str) -> Option<usize> {
    parameter(query, "limit")?.parse().ok()
}

/// The page of one room's log, if the response is one.
pub(super) fn page_reply(call: &Call, query: &str, body: &str) -> Option<PageReply> {
    let page: PullResponse = serde_json::from_str(body).ok()?;
    let from = position(query).filter(|_| page.mode == "changes" && page.branch_id.is_none())?;
    let is_snapshot_asked = parameter(query, "mode").is_some() && !is_in_tail(query);
    let changes = page.changes.into_iter();
    Some(PageReply {
        call: call.number,
        room: call.caller.room.clone(),
        role: call.caller.role,
        release: call.release,
        is_snapshot_asked,
        from,
        to: page.stamp,
        changes: changes.map(|change| (change.table_name, change.record_id, change.stamp)).collect(),
    })
}

/// The position from which a pull of one room's log continues.
pub(super) fn position(query: &str) -> Option<Stamp> {
    let since = || parameter(query, "since")?.parse().ok().map(Stamp);
    let Some(cursor) = parameter(query, "cursor") else { return since() };
    let stamp = Stamp(cursor.strip_prefix("p1.")?.split('.').next()?.parse().ok()?);
    // In the tail of a snapshot the cursor alone counts.
    since().filter(|since| !is_in_tail(query) && *since > stamp).or(Some(stamp))
}

/// Whether a pull continues in the tail of a snapshot.
fn is_in_tail(query: &str) -> bool {
    let cursor = parameter(query, "cursor").and_then(|cursor| cursor.strip_prefix("p1."));
    cursor.is_some_and(|cursor| cursor.split('.').count() > 2)
}
