//! `POST /api/auth/login`

use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::CREDENTIAL_BYTES_MAX;
use protocol::wire::auth::LoginRequest;
use protocol::wire::session_end::EndedSessions;

use super::family::{NewFamily, surplus};
use super::{client_info, password, session_end};
use crate::context::Context;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};
use crate::random;

/// Signs a user in, and ends the user's oldest sessions if there are too many.
pub async fn handle(
    context: &Context,
    request: &FunctionRequest<'_>,
    ended: &mut EndedSessions,
) -> HandlerResult {
    let (users, registry, now) = (context.accounts()?, context.sessions()?, request.now);
    let LoginRequest { username, password, device_id } = read_body(request.body())?;
    if username.len() > CREDENTIAL_BYTES_MAX || password.len() > CREDENTIAL_BYTES_MAX {
        return Err(bad_credentials().into());
    }
    let found = users.accounts.user_and_hash(&username).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let verified = tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref())).await;
    let verified = verified.map_err(HandlerError::fault)?;
    let (user, _) = found.filter(|_| verified).ok_or_else(bad_credentials)?;
    let (id, session, client) = (random::token::<16>(), random::session_id(), client_info::of(request));
    let new = NewFamily { id, session, device: device_id, client };
    let signed_in = users.accounts.sign_in(user, new, now).await?;
    // Read after the new family is written, so that concurrent sign-ins find the same families.
    let families = users.accounts.live_families(&signed_in.user.id, now).await?;
    let surplus = surplus(families, users.sessions_per_user);
    let (revoked, error) =
        session_end::revoke_families(&users.accounts, &signed_in.user.id, &surplus, now).await;
    session_end::report(&revoked, ended);
    registry.begin(&signed_in.family, &revoked).await;
    if let Some(error) = error {
        return Err(error.into());
    }
    HandlerResponse::json(&users.signer.session(signed_in, now).map_err(HandlerError::fault)?)
}

/// The same error for a wrong name and a wrong password.
fn bad_credentials() -> ApiError {
    ApiError::new(ErrorCode::BadCredentials, "User name and password do not belong together.")
}
