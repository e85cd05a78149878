//! LoginRequest, refresh, logout, me.

use lambda_http::Body;
use lambda_http::http::Request;
use libtest_mimic::Trial;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::timestamp::Timestamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::{LoginRequest, MeResponse, SessionResponse};
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::fleet;

use crate::shop::{PASSWORD, Shop};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        a_session_says_who_signed_in_and_for_how_long,
        wrong_names_and_wrong_passwords_look_the_same,
        a_refresh_replaces_both_tokens_and_a_retry_gets_the_same,
        a_used_refresh_token_revokes_the_sign_in,
        two_refreshes_at_once_agree,
        logout_ends_the_sign_in_and_may_be_repeated,
        the_previous_token_dies_after_a_minute_and_access_after_fifteen,
    ]
}

async fn refreshed(api: &Api, token: &str) -> Reply {
    api.post("/api/auth/refresh", json!({ "refreshToken": token }).to_string()).await.unwrap()
}

async fn a_session_says_who_signed_in_and_for_how_long(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    assert_eq!(session.expires_in, 900);
    assert_eq!(
        (session.user.username.as_str(), session.user.role),
        (&*shop.username("till-1"), Role::Cashier)
    );
    let reply = api.get("/api/auth/me").await.unwrap();
    let me: MeResponse = reply.ok().unwrap();
    assert_eq!(me.user, session.user);
    assert!(me.permissions.contains(&"sync:push".to_owned()));
    // The exact shape, which clients rely on.
    let raw: Value = serde_json::from_str(&reply.body).unwrap();
    let names: Vec<_> = raw["user"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 5);
    assert_eq!(raw["user"]["branch_id"], "1");
    assert_eq!(raw["user"]["client_id"], Value::from(shop.client.clone()));
}

async fn wrong_names_and_wrong_passwords_look_the_same(shop: &'static Shop) {
    let login = shop.user("till-1", Role::Cashier, Some("1")).await;
    let mut bodies = Vec::new();
    for (username, password) in [(&*login.username, "wrong"), ("nobody at all", PASSWORD)] {
        let body = json!({ "username": username, "password": password }).to_string();
        let reply = shop.stranger().post("/api/auth/login", body).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (401, Some("bad_credentials")));
        bodies.push(serde_json::from_str::<Value>(&reply.body).unwrap()["error"]["message"].clone());
    }
    assert_eq!(bodies[0], bodies[1]);
}

async fn a_refresh_replaces_both_tokens_and_a_retry_gets_the_same(shop: &'static Shop) {
    let (api, first) = shop.session("till-1", "1", Some("till-1")).await;
    let second: SessionResponse = refreshed(&api, &first.refresh_token).await.ok().unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_ne!(second.access_token, first.access_token);
    // The answer was lost: the till asks again with the token it has.
    let again: SessionResponse = refreshed(&api, &first.refresh_token).await.ok().unwrap();
    assert_eq!(again.refresh_token, second.refresh_token);
    let third: SessionResponse = refreshed(&api, &again.refresh_token).await.ok().unwrap();
    assert!(
        shop.stranger()
            .with_token(third.access_token)
            .get("/api/auth/me")
            .await
            .unwrap()
            .ok::<MeResponse>()
            .is_ok()
    );
}

async fn a_used_refresh_token_revokes_the_sign_in(shop: &'static Shop) {
    let (api, first) = shop.session("till-1", "1", None).await;
    let second: SessionResponse = refreshed(&api, &first.refresh_token).await.ok().unwrap();
    let third: SessionResponse = refreshed(&api, &second.refresh_token).await.ok().unwrap();
    // Its successor was used, so whoever still has the first token has a copy of it.
    assert_eq!(refreshed(&api, &first.refresh_token).await.code().as_deref(), Some("refresh_reused"));
    assert_eq!(refreshed(&api, &third.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    // Another sign-in of the same user goes on.
    let login =
        LoginRequest { username: shop.username("till-1"), password: PASSWORD.into(), device_id: None };
    assert!(shop.stranger().login(&login).await.is_ok());
}

async fn two_refreshes_at_once_agree(shop: &'static Shop) {
    let (api, first) = shop.session("till-1", "1", None).await;
    let (a, b) = tokio::join!(refreshed(&api, &first.refresh_token), refreshed(&api, &first.refresh_token));
    let (a, b): (SessionResponse, SessionResponse) = (a.ok().unwrap(), b.ok().unwrap());
    assert_eq!(a.refresh_token, b.refresh_token);
}

async fn logout_ends_the_sign_in_and_may_be_repeated(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", None).await;
    for token in [&*session.refresh_token, &*session.refresh_token, "nonsense"] {
        let body = json!({ "refreshToken": token }).to_string();
        assert_eq!(shop.stranger().post("/api/auth/logout", body).await.unwrap().status.as_u16(), 204);
    }
    assert_eq!(refreshed(&api, &session.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
}

/// Calls the function as if it were later.
async fn the_previous_token_dies_after_a_minute_and_access_after_fifteen(shop: &'static Shop) {
    let (_, first) = shop.session("till-1", "1", None).await;
    let now = fleet::now();
    let refresh = async |token: &str, secs: u64| {
        let body = json!({ "refreshToken": token }).to_string();
        let request = Request::post("/refreshSession").body(body.into()).unwrap();
        call(shop, request, now.plus_secs(secs)).await
    };
    let (status, second) = refresh(&first.refresh_token, 0).await;
    assert_eq!(status, 200);
    let (status, again) = refresh(&first.refresh_token, 59).await;
    assert_eq!((status, &again["refreshToken"]), (200, &second["refreshToken"]));
    let (status, refused) = refresh(&first.refresh_token, 61).await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!("refresh_reused")));

    let me = Request::get("/getCurrentUser").header(TOKEN_HEADER, &first.access_token);
    let (status, refused) = call(shop, me.body(Body::Empty).unwrap(), now.plus_secs(901)).await;
    assert_eq!((status, &refused["error"]["code"]), (401, &json!("token_expired")));
}

async fn call(shop: &Shop, request: Request<Body>, now: Timestamp) -> (u16, Value) {
    let answer = shop.world.handlers.call(Function::Auth, request, now).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}
