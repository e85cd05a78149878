//! Renews a socket with the next access token of its session, so that it need not reconnect every 15 minutes.

use protocol::claims::Claims;
use protocol::endpoints::spec::LimitScope;
use protocol::error::ErrorCode;
use protocol::timestamp::Timestamp;
use worker::console_error;

use super::close_reason::{CloseReason, ENDED, EXPIRED, INVALID, OTHER_CALLER};
use super::socket_state::SocketState;
use crate::state::AppState;

/// Verifies `token`, which must be of the caller that the socket of `socket_state` belongs to.
pub(super) fn verify(
    state: &AppState,
    socket_state: &SocketState,
    token: &str,
    now: Timestamp,
) -> Result<Claims, CloseReason> {
    let claims = state.authenticator.claims(token, now).map_err(|error| match error.code {
        ErrorCode::TokenExpired => EXPIRED,
        _ => INVALID,
    })?;
    if socket_state.is_of(&claims) { Ok(claims) } else { Err(OTHER_CALLER) }
}

/// Asks Redis whether the session of `claims` goes on, without the cache, since a socket lasts.
pub(super) async fn admit(state: &AppState, claims: &Claims, now: Timestamp) -> Result<(), CloseReason> {
    let check = state.policy.for_caller(claims, LimitScope::None).skip_cache();
    let result = state.admission.run(&check, now).await;
    if let Some(error) = result.failure.filter(|error| !error.is_repeated()) {
        console_error!("room: renewed a socket without Redis: {error}");
    }
    if result.revoked { Err(ENDED) } else { Ok(()) }
}
