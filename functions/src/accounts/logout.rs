//! `POST /api/auth/logout`

use protocol::body::read_body;
use protocol::wire::auth::RefreshRequest;
use protocol::wire::session_end::EndedSessions;

use super::session_end;
use crate::context::Context;
use crate::http::request::FunctionRequest;
use crate::http::response::{HandlerResponse, HandlerResult};

/// Ends the session of a refresh token; 204 even if there is none.
pub async fn handle(
    context: &Context,
    request: &FunctionRequest<'_>,
    ended: &mut EndedSessions,
) -> HandlerResult {
    let RefreshRequest { refresh_token } = read_body(request.body())?;
    if let Some(family) = context.accounts()?.accounts.sign_out(&refresh_token, request.now).await? {
        session_end::announce(context.sessions()?, &family.all_ended(), ended).await;
    }
    Ok(HandlerResponse::no_content())
}
