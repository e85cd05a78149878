//! `POST /api/auth/login`

use lambda_http::Request;
use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::limits::CREDENTIAL_BYTES_MAX;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::session_end::EndedSessions;

use crate::accounts::family::Begin;
use crate::accounts::origin::Origin;
use crate::accounts::password;
use crate::app::AuthApp;
use crate::http::{Answer, HandlerError};
use crate::random;

pub(super) async fn login(
    app: &AuthApp,
    request: &Request,
    now: Timestamp,
    ended: &mut EndedSessions,
) -> Result<Answer, HandlerError> {
    let LoginRequest { username, password, device_id } = read_body(request.body())?;
    if username.len() > CREDENTIAL_BYTES_MAX || password.len() > CREDENTIAL_BYTES_MAX {
        return Err(wrong().into());
    }
    let found = app.accounts.by_name(&username).await?;
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let verified = tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref())).await;
    match found {
        Some((user, _)) if verified.map_err(HandlerError::fault)? => {
            let (id, session) = (random::token::<16>(), random::session_id());
            let begin = Begin { id, session, device: device_id, origin: Origin::of(request) };
            let signed_in = app.accounts.sign_in(user, begin, now).await?;
            let user = &signed_in.user.id;
            let surplus = app.accounts.surplus(user, app.sessions_per_user, now).await?;
            let (over, failure) = super::revoke_durably(app, user, &surplus, now).await;
            super::name(&over, ended);
            app.live.begin(&signed_in.family, &over).await;
            if let Some(error) = failure {
                return Err(error.into());
            }
            super::session(app, signed_in, now)
        }
        _ => Err(wrong().into()),
    }
}

/// The same whether the name or the password is wrong.
fn wrong() -> ApiError {
    ApiError::new(ErrorCode::BadCredentials, "User name and password do not belong together.")
}
