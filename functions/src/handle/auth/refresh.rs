//! `POST /api/auth/refresh`

use lambda_http::Request;
use shared::micros::Micros;
use shared::protocol::auth::Refresh;
use shared::sync::push::read_body;

use crate::app::AuthApp;
use crate::http::{Answer, Failed};

pub(super) async fn refresh(app: &AuthApp, request: &Request, now: Micros) -> Result<Answer, Failed> {
    let Refresh { refresh_token } = read_body(request.body())?;
    let refreshed = app.accounts.refresh(&refresh_token, now).await?;
    super::session(app, refreshed.user, refreshed.device, refreshed.token, now)
}
