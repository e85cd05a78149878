//! `GET /api/sessions` and `DELETE /api/sessions/{id|others|all}`.

use auth::limits::{SESSION_ENDED_SECS, SESSION_STATUS_SECS};
use lambda_http::Request;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::SESSION_IDLE_SECS;
use protocol::timestamp::Timestamp;
use protocol::wire::session_end::EndedSessions;
use protocol::wire::sessions::{EndSessionsResponse, SessionInfo, SessionsResponse};

use crate::accounts::family::Family;
use crate::app::AuthApp;
use crate::http::{Answer, HandlerError};

/// What the paths of sessions begin with; the id follows.
pub(super) const PATH: &str = "/api/sessions/";

/// Where the caller is signed in.
pub(super) async fn list(app: &AuthApp, request: &Request, now: Timestamp) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    let families = app.accounts.sign_ins(&claims.sub, now).await?;
    let last_used = app.live.last_used(&families, now).await;
    let activity_known = last_used.is_some();
    let last_used = last_used.unwrap_or_else(|| vec![None; families.len()]);
    let info = |(family, used): (Family, Option<Timestamp>)| {
        // A key that is missing means nothing: Redis may have lost it.
        let last = used.unwrap_or(family.rotated_at).max(family.rotated_at);
        SessionInfo {
            current: claims.sid.as_ref() == Some(&family.session),
            id: family.session,
            device_id: family.device,
            address: family.origin.address,
            agent: family.origin.agent,
            created_at: family.started_at.to_string(),
            last_activity_at: last.to_string(),
            idle: last.plus_secs(SESSION_IDLE_SECS) <= now,
        }
    };
    let sessions = families.into_iter().zip(last_used).map(info).collect();
    Ok(Answer::json(serde_json::to_string(&SessionsResponse { sessions, activity_known })?))
}

/// Ends one of the caller's sessions, all but this one, or all.
pub(super) async fn end(
    app: &AuthApp,
    request: &Request,
    which: &str,
    now: Timestamp,
    told: &mut EndedSessions,
) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    let mut families = app.accounts.families(&claims.sub).await?;
    families.retain(|family| is_meant(which, family, &claims));
    let (live, over): (Vec<Family>, Vec<Family>) =
        families.into_iter().partition(|family| family.is_live(now));
    // Whoever ended these may have been cut off before the edge was told.
    let over = over.iter().filter(|family| family.is_fresh_dead(now));
    let over: Vec<_> = over.flat_map(Family::all_ended).collect();
    let heard_before = super::end(app, &over, told).await;
    if live.is_empty() && !matches!(which, "others" | "all") {
        let message = "You have no session of this id; it may have ended already.";
        return Err(ApiError::new(ErrorCode::SessionNotFound, message).into());
    }
    let heard = super::revoke(app, &claims.sub, &live, now, told).await? && heard_before;
    let ended = u64::try_from(live.len()).unwrap_or(u64::MAX);
    let effective_within_secs = if heard { SESSION_STATUS_SECS } else { SESSION_ENDED_SECS };
    Ok(Answer::json(serde_json::to_string(&EndSessionsResponse { ended, effective_within_secs })?))
}

fn is_meant(which: &str, family: &Family, claims: &Claims) -> bool {
    match which {
        "all" => true,
        "others" => claims.sid.as_ref() != Some(&family.session),
        id => family.session.as_str() == id,
    }
}
