//! `POST /api/auth/logout`: 204 whether or not there was something to end.

use lambda_http::Request;
use shared::micros::Micros;
use shared::protocol::auth::Refresh;
use shared::protocol::ended::EndedSessions;
use shared::sync::push::read_body;

use crate::app::AuthApp;
use crate::http::{Answer, Failed};

pub(super) async fn logout(
    app: &AuthApp,
    request: &Request,
    now: Micros,
    ended: &mut EndedSessions,
) -> Result<Answer, Failed> {
    let Refresh { refresh_token } = read_body(request.body())?;
    if let Some(family) = app.accounts.sign_out(&refresh_token, now).await? {
        super::end(app, &family.all_ended(), ended).await;
    }
    Ok(Answer::no_content())
}
