//! `POST /api/auth/logout`: 204 whether or not there was something to end.

use lambda_http::Request;
use protocol::body::read_body;
use protocol::timestamp::Timestamp;
use protocol::wire::auth::RefreshRequest;
use protocol::wire::session_end::EndedSessions;

use crate::app::AuthApp;
use crate::http::{Answer, HandlerError};

pub(super) async fn logout(
    app: &AuthApp,
    request: &Request,
    now: Timestamp,
    ended: &mut EndedSessions,
) -> Result<Answer, HandlerError> {
    let RefreshRequest { refresh_token } = read_body(request.body())?;
    if let Some(family) = app.accounts.sign_out(&refresh_token, now).await? {
        super::end(app, &family.all_ended(), ended).await;
    }
    Ok(Answer::no_content())
}
