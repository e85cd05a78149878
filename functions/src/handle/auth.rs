//! `/api/auth/…`: one function, one file per route.

mod login;
mod logout;
mod me;
mod refresh;

use lambda_http::http::Method;
use lambda_http::{Body, Request, Response};
use shared::error::{Code, Refusal};
use shared::limits::ACCESS_TOKEN_SECS;
use shared::micros::Micros;
use shared::protocol::auth::{Session, User};
use shared::tenant::DeviceId;

use crate::app::AuthApp;
use crate::http::{Answer, Failed, respond};
use crate::store::cost::Cost;

/// Answers a request made at `now`.
pub async fn handle(app: &AuthApp, request: Request, now: Micros) -> Response<Body> {
    let result = match (request.method(), request.uri().path()) {
        (&Method::POST, "/api/auth/login") => login::login(app, &request, now).await,
        (&Method::POST, "/api/auth/refresh") => refresh::refresh(app, &request, now).await,
        (&Method::POST, "/api/auth/logout") => logout::logout(app, &request).await,
        (&Method::GET, "/api/auth/me") => me::me(app, &request, now).await,
        // The edge lets nothing else through, so only somebody who calls the function by itself sees this.
        _ => Err(Refusal::new(Code::NotFound, "There is nothing at this address.").into()),
    };
    respond(&request, &Cost::default(), result)
}

/// The pair of tokens that `user` goes on with.
fn session(
    app: &AuthApp,
    user: User,
    device: Option<DeviceId>,
    refresh_token: String,
    now: Micros,
) -> Result<Answer, Failed> {
    let access_token = app.signer.sign(&user, device, now).map_err(Failed::fault)?;
    let session = Session { access_token, refresh_token, expires_in: ACCESS_TOKEN_SECS, user };
    Ok(Answer::json(serde_json::to_string(&session)?))
}
