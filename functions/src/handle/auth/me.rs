//! `GET /api/auth/me`: who asks, by way of the cache.

use cache::request::{self, Loaded};
use lambda_http::Request;
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::auth::{MeResponse, User};

use crate::accounts::family::Privileges;
use crate::app::AuthApp;
use crate::http::{Answer, HandlerError};

pub(super) async fn me(app: &AuthApp, request: &Request, now: Timestamp) -> Result<Answer, HandlerError> {
    let claims = app.claims(request, now)?;
    let wanted = request::Request::user(app.cache.keys(), &claims.client_id, &claims.sub);
    let found = app.cache.read(&wanted, async || load(app, &claims).await).await?;
    let gone = || ApiError::new(ErrorCode::TokenInvalid, "The user no longer exists.");
    let user: User = serde_json::from_slice(found.payload().ok_or_else(gone)?)?;
    // What the token says, which is what the caller may do with it: neither the copy nor the user as of now need agree.
    let Claims { role, client_id: client, branch_id: branch, .. } = claims;
    let user = Privileges { role, client, branch }.of_user(user);
    let permissions = user.role.permissions().iter().map(|&permission| permission.to_owned()).collect();
    Ok(Answer::json(serde_json::to_string(&MeResponse { user, permissions })?).from_cache(found.source))
}

async fn load(app: &AuthApp, claims: &Claims) -> Result<Loaded, HandlerError> {
    match app.accounts.user(&claims.sub).await? {
        Some(user) => Ok(Loaded::some(serde_json::to_vec(&user)?, 0)),
        None => Ok(Loaded::none(0)),
    }
}
