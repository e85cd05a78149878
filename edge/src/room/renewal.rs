//! Renews a socket with the next access token of its session, so that it need not reconnect every 15 minutes.

use protocol::endpoints::spec::LimitScope;
use protocol::error::ErrorCode;
use protocol::timestamp::Timestamp;
use worker::{Env, console_error};

use super::close_reason::{CloseReason, ENDED, EXPIRED, GONE, INVALID, OTHER_CALLER};
use super::socket_state::SocketState;
use crate::state::AppState;

/// Checks `token` as a new connection does. Returns the time until which it renews the socket of
/// `socket_state`, or why to close that.
pub(super) async fn check(
    env: &Env,
    socket_state: &SocketState,
    token: &str,
    now: Timestamp,
) -> Result<Timestamp, CloseReason> {
    let state = AppState::of(env).map_err(|error| {
        console_error!("room: failed to renew a socket: {error}");
        GONE
    })?;
    let claims = state.authenticator.claims(token, now).map_err(|error| match error.code {
        ErrorCode::TokenExpired => EXPIRED,
        _ => INVALID,
    })?;
    if !socket_state.is_of(&claims) {
        return Err(OTHER_CALLER);
    }
    let expires_at = Timestamp(0).plus_secs(claims.exp);
    if expires_at <= socket_state.expires_at {
        // A known token again. Only a new one costs a command to Redis, and a session gets few of those.
        return Ok(socket_state.expires_at);
    }
    // Without the cache, since a socket lasts.
    let check = state.policy.for_caller(&claims, LimitScope::None).skip_cache();
    let result = state.admission.run(&check, now).await;
    if let Some(error) = result.failure.filter(|error| !error.is_repeated()) {
        console_error!("room: renewed a socket without Redis: {error}");
    }
    if result.revoked { Err(ENDED) } else { Ok(expires_at) }
}
