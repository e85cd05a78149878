//! `POST /api/auth/refresh`

use lambda_http::Request;
use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::protocol::auth::Refresh;

use crate::app::AuthApp;
use crate::http::{Answer, Failed, read_json};

pub(super) async fn refresh(app: &AuthApp, request: &Request, now: Micros) -> Result<Answer, Failed> {
    let Refresh { refresh_token } = read_json(request)?;
    let refreshed = app.accounts.refresh(&refresh_token, now).await?;
    // Read again, so that a changed role or branch counts from the next refresh on.
    let gone = || Refusal::new(Code::RefreshInvalid, "The user no longer exists.");
    let user = app.accounts.user(&refreshed.user).await?.ok_or_else(gone)?;
    super::session(app, user, refreshed.device, refreshed.token, now)
}
