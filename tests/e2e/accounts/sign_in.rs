//! `/api/auth/…`: login, refresh, logout and me.

use lambda_http::Body;
use lambda_http::http::Request;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::{MeResponse, SessionResponse};
use serde_json::{Value, json};
use tests::fleet;

use super::{logout, me, refresh};
use crate::replies::{assert_error, json};
use crate::shop::{PASSWORD, Shop};

trials! {
    shared:
    login_returns_the_user_and_the_token_lifetime,
    wrong_username_and_wrong_password_get_the_same_reply,
    refresh_replaces_both_tokens_and_a_retry_returns_the_same,
    a_reused_refresh_token_ends_its_session_only,
    two_concurrent_refreshes_return_the_same_token,
    logout_ends_the_session_and_may_be_repeated,
    a_forged_refresh_token_ends_no_session,
    refresh_tokens_are_reusable_for_a_minute_and_access_tokens_expire,
}

async fn login_returns_the_user_and_the_token_lifetime(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    assert_eq!(session.expires_in, 900);
    let user = &session.user;
    assert_eq!((&user.username, user.role), (&shop.username("till-1"), Role::Cashier));
    let reply = api.get("/api/auth/me").await.unwrap();
    let me: MeResponse = reply.ok().unwrap();
    assert_eq!(me.user, session.user);
    assert!(me.permissions.contains(&"sync:push".to_owned()));
    // The exact members, which clients rely on.
    let user = &json(&reply)["user"];
    assert_eq!(user.as_object().unwrap().len(), 5);
    assert_eq!(user["branch_id"], "1");
    assert_eq!(user["client_id"], Value::from(shop.client.clone()));
}

async fn wrong_username_and_wrong_password_get_the_same_reply(shop: &'static Shop) {
    let login = shop.user("till-1", Role::Cashier, Some("1")).await;
    let mut messages = Vec::new();
    for (username, password) in [(&*login.username, "wrong"), ("unknown username", PASSWORD)] {
        let body = json!({ "username": username, "password": password }).to_string();
        let reply = shop.anonymous().post("/api/auth/login", body).await.unwrap();
        messages.push(assert_error(&reply, 401, "bad_credentials")["message"].clone());
    }
    assert_eq!(messages[0], messages[1]);
}

async fn refresh_replaces_both_tokens_and_a_retry_returns_the_same(shop: &'static Shop) {
    let (api, first) = shop.session("till-1", "1", Some("till-1")).await;
    let second: SessionResponse = refresh(&api, &first.refresh_token).await.ok().unwrap();
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_ne!(second.access_token, first.access_token);
    // The response was lost, and the till retries with the token that it has.
    let again: SessionResponse = refresh(&api, &first.refresh_token).await.ok().unwrap();
    assert_eq!(again.refresh_token, second.refresh_token);
    let third: SessionResponse = refresh(&api, &again.refresh_token).await.ok().unwrap();
    me(&shop.anonymous().with_token(third.access_token)).await;
}

async fn a_reused_refresh_token_ends_its_session_only(shop: &'static Shop) {
    let (api, first) = shop.session("till-1", "1", None).await;
    let second: SessionResponse = refresh(&api, &first.refresh_token).await.ok().unwrap();
    let third: SessionResponse = refresh(&api, &second.refresh_token).await.ok().unwrap();
    // The second token was used, so this use of the first one shows that it was copied.
    assert_eq!(refresh(&api, &first.refresh_token).await.code().as_deref(), Some("refresh_reused"));
    assert_eq!(refresh(&api, &third.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    // The user can sign in again.
    assert!(shop.anonymous().login(&shop.login("till-1")).await.is_ok());
}

async fn two_concurrent_refreshes_return_the_same_token(shop: &'static Shop) {
    let (api, first) = shop.session("till-1", "1", None).await;
    let (a, b) = tokio::join!(refresh(&api, &first.refresh_token), refresh(&api, &first.refresh_token));
    let (a, b): (SessionResponse, SessionResponse) = (a.ok().unwrap(), b.ok().unwrap());
    assert_eq!(a.refresh_token, b.refresh_token);
}

async fn logout_ends_the_session_and_may_be_repeated(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", None).await;
    for token in [&*session.refresh_token, &*session.refresh_token, "nonsense"] {
        assert_eq!(logout(&shop.anonymous(), token).await.status.as_u16(), 204);
    }
    assert_eq!(refresh(&api, &session.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
}

async fn a_forged_refresh_token_ends_no_session(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", None).await;
    // User and family are right, the secret is not.
    let (prefix, secret) = session.refresh_token.rsplit_once('.').unwrap();
    let reversed: String = secret.chars().rev().collect();
    for forged in [format!("{prefix}.{}", "A".repeat(secret.len())), format!("{prefix}.{reversed}")] {
        assert_eq!(logout(&shop.anonymous(), &forged).await.status.as_u16(), 204);
        assert_eq!(refresh(&api, &forged).await.code().as_deref(), Some("refresh_invalid"));
    }
    me(&api).await;
    refresh(&api, &session.refresh_token).await.ok::<SessionResponse>().unwrap();
}

async fn refresh_tokens_are_reusable_for_a_minute_and_access_tokens_expire(shop: &'static Shop) {
    let (_, first) = shop.session("till-1", "1", None).await;
    let now = fleet::now();
    // Calls the function directly, as if it were later.
    let refresh_after = async |secs: u64| {
        let body = json!({ "refreshToken": first.refresh_token }).to_string();
        let request = Request::post("/refreshSession").body(body.into()).unwrap();
        shop.world.call(Function::Auth, request, now.plus_secs(secs)).await
    };
    let second: SessionResponse = refresh_after(0).await.ok().unwrap();
    let again: SessionResponse = refresh_after(59).await.ok().unwrap();
    assert_eq!(again.refresh_token, second.refresh_token);
    let refused = refresh_after(61).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_deref()), (401, Some("refresh_reused")));

    let me = Request::get("/getCurrentUser").header(TOKEN_HEADER, &first.access_token);
    let refused = shop.world.call(Function::Auth, me.body(Body::Empty).unwrap(), now.plus_secs(901)).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_deref()), (401, Some("token_expired")));
}
