//! `GET /api/sessions` and `DELETE /api/sessions/{id}`

use auth::limits::{SESSION_ENDED_SECS, SESSION_STATUS_SECS};
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::SESSION_IDLE_SECS;
use protocol::timestamp::Timestamp;
use protocol::wire::session_end::EndedSessions;
use protocol::wire::sessions::{EndSessionsResponse, SessionInfo, SessionsResponse};

use super::family::Family;
use super::session_end;
use crate::context::Context;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Lists the sessions of the user.
pub async fn list(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let (users, claims, now) = (context.accounts()?, request.claims()?, request.now);
    let families = users.accounts.live_families(&claims.sub, now).await?;
    let last_used = context.sessions()?.last_used(&families, now).await;
    let activity_known = last_used.is_some();
    let last_used = last_used.unwrap_or_else(|| vec![None; families.len()]);
    let info = |(family, used): (Family, Option<Timestamp>)| {
        // A missing key says nothing: Redis may have lost it.
        let last = used.unwrap_or(family.rotated_at).max(family.rotated_at);
        SessionInfo {
            current: claims.sid.as_ref() == Some(&family.session),
            id: family.session,
            device_id: family.device,
            address: family.client.address,
            agent: family.client.agent,
            created_at: family.started_at.to_string(),
            last_activity_at: last.to_string(),
            idle: last.plus_secs(SESSION_IDLE_SECS) <= now,
        }
    };
    let sessions = families.into_iter().zip(last_used).map(info).collect();
    let mut listed = SessionsResponse { sessions, activity_known };
    let response = HandlerResponse::json(&listed)?;
    // The request itself is activity of its session.
    let current = listed.sessions.iter_mut().filter(|session| session.current);
    current.for_each(|session| session.last_activity_at.clear());
    response.tagged_by(&listed)
}

/// Ends one session of the user, all but the current one (`others`), or `all`.
pub async fn end(
    context: &Context,
    request: &FunctionRequest<'_>,
    ended: &mut EndedSessions,
) -> HandlerResult {
    let (users, registry) = (context.accounts()?, context.sessions()?);
    let (claims, now, id) = (request.claims()?, request.now, request.parameter("id").unwrap_or_default());
    let mut families = users.accounts.families(&claims.sub).await?;
    families.retain(|family| is_selected(id, family, claims));
    let (live, over): (Vec<Family>, Vec<Family>) =
        families.into_iter().partition(|family| family.is_live(now));
    // The request that revoked a family may have been cut off before it announced the end.
    let over = over.iter().filter(|family| family.is_recently_revoked(now));
    let over: Vec<_> = over.flat_map(Family::all_ended).collect();
    let announced_over = session_end::announce(registry, &over, ended).await;
    if live.is_empty() && !matches!(id, "others" | "all") {
        let message = "You have no session of this id; it may have ended already.";
        return Err(ApiError::new(ErrorCode::SessionNotFound, message).into());
    }
    let (revoked, error) = session_end::revoke_families(&users.accounts, &claims.sub, &live, now).await;
    // Announces even after a partial failure; a retry revokes the rest.
    let announced = session_end::announce(registry, &revoked, ended).await && announced_over;
    if let Some(error) = error {
        return Err(error.into());
    }
    let ended = u64::try_from(live.len()).unwrap_or(u64::MAX);
    let effective_within_secs = if announced { SESSION_STATUS_SECS } else { SESSION_ENDED_SECS };
    HandlerResponse::json(&EndSessionsResponse { ended, effective_within_secs })
}

fn is_selected(id: &str, family: &Family, claims: &Claims) -> bool {
    match id {
        "all" => true,
        "others" => claims.sid.as_ref() != Some(&family.session),
        id => family.session.as_str() == id,
    }
}
