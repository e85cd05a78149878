//! Renews a socket with the next access token of its session, so that it need not reconnect every 15 minutes.

use protocol::claims::Claims;
use protocol::endpoints::spec::LimitScope;
use protocol::error::ErrorCode;
use protocol::timestamp::Timestamp;
use worker::{Env, WebSocket, console_error};

use super::close_reason::{CloseReason, ENDED, EXPIRED, GONE, INVALID, OTHER_CALLER};
use super::socket_state::SocketState;
use super::sockets;
use crate::clock;
use crate::state::AppState;

/// Renews `socket` with `token`; returns why to close it otherwise.
pub(super) async fn renew(env: &Env, socket: &WebSocket, token: &str) -> Result<(), CloseReason> {
    let Some(mut socket_state) = sockets::state_of(socket) else { return Ok(()) };
    let (state, now) = (AppState::of(env).map_err(|_| GONE)?, clock::now());
    let claims = verify(&state, &socket_state, token, now)?;
    let mut expires_at = socket_state.expires_at;
    let asked_until = claims.expires_at();
    // Noted before Redis answers: one token that is sent often costs one command.
    if socket_state.is_news(asked_until) {
        sockets::save_and_send(socket, &socket_state, None);
        admit(&state, &claims, now).await?;
        expires_at = asked_until;
    }
    // Meanwhile the socket may have been closed, and other frames may have changed its state.
    if let Some(mut socket_state) = sockets::state_of(socket).filter(|_| sockets::is_open(socket)) {
        let reply = socket_state.renew(expires_at);
        sockets::save_and_send(socket, &socket_state, Some(&reply));
    }
    Ok(())
}

/// Verifies `token`, which must be of the caller that the socket of `socket_state` belongs to.
fn verify(
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
async fn admit(state: &AppState, claims: &Claims, now: Timestamp) -> Result<(), CloseReason> {
    let check = state.policy.for_caller(claims, LimitScope::None).skip_cache();
    let result = state.admission.run(&check, now).await;
    if let Some(error) = result.failure.filter(|error| !error.is_repeated()) {
        console_error!("room: renewed a socket without Redis: {error}");
    }
    if result.revoked { Err(ENDED) } else { Ok(()) }
}
