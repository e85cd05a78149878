//! `GET /api/auth/me`

use cache::request::{Loaded, Request};
use protocol::claims::Claims;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::auth::{MeResponse, User};

use super::Accounts;
use super::family::Privileges;
use crate::context::Context;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Returns the user of the access token.
pub async fn handle(context: &Context, request: &FunctionRequest<'_>) -> HandlerResult {
    let (users, cache, claims) = (context.accounts()?, context.cache()?, request.claims()?);
    let entry = Request::user(cache.keys(), &claims.client_id, &claims.sub);
    let found = cache.read(&entry, async || load(&users.accounts, claims).await).await?;
    let gone = || ApiError::new(ErrorCode::TokenInvalid, "The user no longer exists.");
    let user: User = serde_json::from_slice(found.payload().ok_or_else(gone)?)?;
    // The token decides what the caller may do; the user's privileges may have changed since it was issued.
    let Claims { role, client_id, branch_id, .. } = claims.clone();
    let user = Privileges { role, client: client_id, branch: branch_id }.apply_to(user);
    let permissions = role.permissions().iter().map(|&permission| permission.to_owned()).collect();
    Ok(HandlerResponse::json(&MeResponse { user, permissions })?.from_cache(found.source))
}

async fn load(accounts: &Accounts, claims: &Claims) -> Result<Loaded, HandlerError> {
    match accounts.user(&claims.sub).await? {
        Some(user) => Ok(Loaded::some(serde_json::to_vec(&user)?, 0)),
        None => Ok(Loaded::none(0)),
    }
}
