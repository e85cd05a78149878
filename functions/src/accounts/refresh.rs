//! `POST /api/auth/refresh`

use protocol::body::read_body;
use protocol::error::{ApiError, ErrorCode};
use protocol::wire::auth::RefreshRequest;
use protocol::wire::session_end::EndedSessions;

use super::families::{Refreshed, invalid};
use super::{client_info, session_end};
use crate::context::Context;
use crate::http::error::HandlerError;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Exchanges a refresh token for new tokens.
pub async fn handle(
    context: &Context,
    request: &FunctionRequest<'_>,
    ended: &mut EndedSessions,
) -> HandlerResult {
    let (users, registry, now) = (context.accounts()?, context.sessions()?, request.now);
    let RefreshRequest { refresh_token } = read_body(request.body())?;
    match users.accounts.refresh(&refresh_token, &client_info::of(request), now).await? {
        Refreshed::Renewed(signed_in) => {
            // A repeated response announces again, because the first request may have been cut off before it
            // did.
            if let Some(before) = &signed_in.family.before {
                session_end::announce(registry, std::slice::from_ref(before), ended).await;
            }
            registry.extend(&signed_in.family).await;
            HandlerResponse::json(&users.signer.session(signed_in, now).map_err(HandlerError::fault)?)
        }
        Refreshed::Reused(family) => {
            session_end::announce(registry, &family.all_ended(), ended).await;
            let message = "The refresh token was used before, so every token of this sign-in is revoked; sign in again.";
            Err(ApiError::new(ErrorCode::RefreshReused, message).into())
        }
        Refreshed::Over(family) => {
            // The request that revoked the family may have been cut off before it announced the end.
            if family.is_recently_revoked(now) {
                session_end::announce(registry, &family.all_ended(), ended).await;
            }
            Err(invalid().into())
        }
    }
}
