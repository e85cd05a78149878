//! `/api/auth/…` and `/api/sessions`: one function, one file per route.

mod login;
mod logout;
mod me;
mod refresh;
mod sessions;

use auth::limits::ACCESS_TOKEN_SECS;
use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use protocol::wire::ENDED_HEADER;
use protocol::wire::auth::SessionResponse;
use protocol::wire::session_end::EndedSessions;

use crate::accounts::family::{Ended, Family};
use crate::accounts::session::SignedIn;
use crate::app::AuthApp;
use crate::http::{Answer, HandlerError, respond};
use crate::store::error::StoreError;

/// Answers a request made at `now`.
pub async fn handle(app: &AuthApp, request: Request, now: Timestamp) -> Response<Body> {
    let mut ended = EndedSessions::default();
    let result = match (request.method(), request.uri().path()) {
        (&Method::POST, "/api/auth/login") => login::login(app, &request, now, &mut ended).await,
        (&Method::POST, "/api/auth/refresh") => refresh::refresh(app, &request, now, &mut ended).await,
        (&Method::POST, "/api/auth/logout") => logout::logout(app, &request, now, &mut ended).await,
        (&Method::GET, "/api/auth/me") => me::me(app, &request, now).await,
        (&Method::GET, "/api/sessions") => sessions::list(app, &request, now).await,
        (&Method::DELETE, path) if path.starts_with(sessions::PATH) => {
            let which = path.strip_prefix(sessions::PATH).unwrap_or_default();
            sessions::end(app, &request, which, now, &mut ended).await
        }
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(ApiError::new(ErrorCode::NotFound, "There is nothing at this address.").into()),
    };
    app.cache.flush_if_due().await;
    let mut response = respond(&request, None, result);
    // Also beside a refusal: a token that was used twice ends its session.
    if let (false, Ok(ended)) = (ended.is_empty(), ended.to_string().parse()) {
        response.headers_mut().insert(ENDED_HEADER, ended);
    }
    response
}

/// Ends sign-ins of `user`, durably first, and tells the edge; whether it will hear of it by Redis.
async fn revoke(
    app: &AuthApp,
    user: &str,
    families: &[Family],
    now: Timestamp,
    told: &mut EndedSessions,
) -> Result<bool, HandlerError> {
    let (revoked, failure) = revoke_durably(app, user, families, now).await;
    // Also when not all could be: whoever asks again finds the rest, and those that were no more.
    let heard = end(app, &revoked, told).await;
    failure.map_or(Ok(heard), |error| Err(error.into()))
}

/// Ends sign-ins of `user` where it counts: the sessions that ended with them, and what went wrong, if anything did.
async fn revoke_durably(
    app: &AuthApp,
    user: &str,
    families: &[Family],
    now: Timestamp,
) -> (Vec<Ended>, Option<StoreError>) {
    let mut revoked = Vec::with_capacity(families.len());
    for family in families {
        match app.accounts.revoke(user, &family.id, now).await {
            // As it is now: a refresh may have given it another session.
            Ok(as_it_is) => revoked.extend(as_it_is.as_ref().unwrap_or(family).all_ended()),
            Err(error) => return (revoked, Some(error)),
        }
    }
    (revoked, None)
}

/// Tells the edge that `sessions` have ended: by Redis, which it asks about every request, and beside the answer, by which
/// it closes their sockets. Whether it will hear of it by Redis.
async fn end(app: &AuthApp, sessions: &[Ended], told: &mut EndedSessions) -> bool {
    name(sessions, told);
    app.live.end(sessions).await
}

/// Has the answer name `sessions`, so that the edge closes their sockets.
fn name(sessions: &[Ended], told: &mut EndedSessions) {
    for Ended { session, client, branch } in sessions {
        if let Some(branch) = branch {
            told.add(Room { client: client.clone(), branch: branch.clone() }, session.clone());
        }
    }
}

/// The pair of tokens that whoever has `signed_in` goes on with.
fn session(app: &AuthApp, signed_in: SignedIn, now: Timestamp) -> Result<Answer, HandlerError> {
    let SignedIn { user, family, token } = signed_in;
    let access_token =
        app.signer.sign(&user, family.device, Some(family.session), now).map_err(HandlerError::fault)?;
    let session = SessionResponse { access_token, refresh_token: token, expires_in: ACCESS_TOKEN_SECS, user };
    Ok(Answer::json(serde_json::to_string(&session)?))
}
