//! Accounts end to end: sign-in and sessions.

use protocol::wire::auth::MeResponse;
use serde_json::json;
use tests::api::{Api, Reply};

pub(crate) mod guessing;
pub(crate) mod key_rotation;
pub(crate) mod names;
pub(crate) mod sessions;
pub(crate) mod sign_in;

trials! {
    modules: guessing, key_rotation, names, sessions, sign_in,
}

pub(crate) async fn refresh(api: &Api, refresh_token: &str) -> Reply {
    api.post("/api/auth/refresh", json!({ "refreshToken": refresh_token }).to_string()).await.unwrap()
}

pub(crate) async fn logout(api: &Api, refresh_token: &str) -> Reply {
    api.post("/api/auth/logout", json!({ "refreshToken": refresh_token }).to_string()).await.unwrap()
}

async fn me(api: &Api) -> MeResponse {
    api.get("/api/auth/me").await.unwrap().ok().unwrap()
}
