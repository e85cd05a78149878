//! Renews a socket with the next access token of its session, so that it need not reconnect every 15 minutes.

use protocol::claims::Claims;
use protocol::endpoints::spec::LimitScope;
use protocol::error::ErrorCode;
use protocol::timestamp::Timestamp;
use worker::{Env, console_error};

use super::close_reason::{CloseReason, ENDED, EXPIRED, GONE, INVALID, OTHER_CALLER};
use super::open_sockets::OpenSocket;
use super::socket_state::SocketState;
use crate::admission::SessionSource;
use crate::clock;
use crate::state::AppState;

/// Renews `socket` with `token`; returns why to close it otherwise.
pub(super) async fn renew(env: &Env, socket: &OpenSocket, token: &str) -> Result<(), CloseReason> {
    let (state, now) = (AppState::of(env).map_err(|_| GONE)?, clock::now());
    let claims = verify(&state, &socket.state(), token, now)?;
    let mut expires_at = socket.state().expires_at;
    let asked_until = claims.expires_at();
    // Noted before Redis answers: one token that is sent often costs one command.
    let is_news = socket.state_mut().is_news(asked_until);
    if is_news {
        socket.save();
        admit(&state, &claims, now).await?;
        expires_at = asked_until;
    }
    // Meanwhile the socket may have been closed.
    if socket.is_open() {
        let reply = socket.state_mut().renew(expires_at);
        socket.save();
        socket.send_frame(&reply);
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
    let check = state.policy.for_caller(claims, LimitScope::None).asking(SessionSource::Redis);
    let result = state.admission.run(&check, now).await;
    if let Some(error) = result.failure.filter(|error| !error.is_repeated()) {
        console_error!("room: renewed a socket without Redis: {error}");
    }
    if result.revoked { Err(ENDED) } else { Ok(()) }
}
