//! `GET /api/auth/me`

use lambda_http::Request;
use shared::error::{Code, Refusal};
use shared::micros::Micros;
use shared::protocol::auth::Me;

use crate::app::AuthApp;
use crate::http::{Answer, Failed};

pub(super) async fn me(app: &AuthApp, request: &Request, now: Micros) -> Result<Answer, Failed> {
    let claims = app.claims(request, now)?;
    let gone = || Refusal::new(Code::TokenInvalid, "The user no longer exists.");
    let user = app.accounts.user(&claims.sub).await?.ok_or_else(gone)?;
    let permissions = user.role.permissions().iter().map(|&permission| permission.to_owned()).collect();
    Ok(Answer::json(serde_json::to_string(&Me { user, permissions })?))
}
