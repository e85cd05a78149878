//! `/api/sessions`: listing a user's sessions and ending them.

use auth::limits::{SESSION_STATUS_SECS, SESSIONS_PER_USER_DEFAULT};
use local::dynamo::faults::Fault;
use protocol::wire::auth::{LoginRequest, SessionResponse};
use protocol::wire::sessions::{EndSessionsResponse, SessionsResponse};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::till::socket::url;
use tests::wait::{poll, until};

use super::{logout, refresh};
use crate::replies::assert_error;
use crate::shop::{PASSWORD, Shop, product};
use crate::sync::broadcast::Listener;
use crate::till::Till;
use crate::world::LONG_PATIENCE;
pub(crate) use privileges::set_user_attribute;

mod privileges;

trials! {
    shared:
    a_user_lists_its_sessions,
    ending_a_session_revokes_its_tokens,
    a_user_ends_the_other_sessions_or_all,
    a_retry_ends_the_sessions_that_a_failed_request_left,
    a_user_cannot_end_sessions_of_another_user,
    one_session_too_many_ends_the_oldest,
    a_session_missing_in_redis_is_not_listed_as_idle,
    ending_a_session_closes_its_sockets,
    every_way_to_end_a_session_closes_its_sockets,
    logout_and_a_reused_refresh_token_end_the_session;
    modules: privileges
}

pub(crate) async fn sessions(api: &Api) -> SessionsResponse {
    api.get("/api/sessions").await.unwrap().ok().unwrap()
}

/// The sessions, once Redis has answered in time to say when each was last used.
pub(crate) async fn sessions_with_activity(api: &Api) -> SessionsResponse {
    poll(LONG_PATIENCE, async || sessions(api).await, |list| list.activity_known).await.unwrap()
}

/// Ends the session of this id, or `others`, or `all`.
pub(crate) async fn end(api: &Api, which: &str) -> Reply {
    api.send(api.request(Method::DELETE, &format!("/api/sessions/{which}"))).await.unwrap()
}

/// Ends sessions. Returns how many were ended.
async fn end_count(api: &Api, which: &str) -> u64 {
    end(api, which).await.ok::<EndSessionsResponse>().unwrap().ended
}

pub(crate) async fn is_revoked(api: &Api) -> bool {
    api.get("/api/auth/me").await.unwrap().code().as_deref() == Some("session_revoked")
}

/// Waits until the edge refuses the token of `api`, for sync and for other requests.
async fn wait_until_revoked(api: &Api) {
    for path in ["/api/auth/me", "/api/sync/pull-changes"] {
        let read = async || api.get(path).await.unwrap();
        let is_refused = |reply: &Reply| reply.code().as_deref() == Some("session_revoked");
        let reply = poll(LONG_PATIENCE, read, is_refused).await.unwrap();
        assert_error(&reply, 401, "session_revoked");
        assert!(reply.header("www-authenticate").unwrap().contains("invalid_token"));
    }
}

async fn is_accepted(api: &Api) -> bool {
    api.get("/api/auth/me").await.unwrap().status == 200
}

/// Signs in a user that exists. While Redis is slow, a name has three sign-ins a minute, so this may take a
/// while.
async fn sign_in_again(shop: &Shop, name: &str, device: Option<&str>) -> (Api, SessionResponse) {
    let device_id = device.map(|device| device.parse().unwrap());
    let login = LoginRequest { device_id, ..shop.login(name) };
    until(LONG_PATIENCE, async || shop.anonymous().login(&login).await).await.unwrap()
}

async fn a_user_lists_its_sessions(shop: &'static Shop) {
    let (first, _) = shop.session("till-1", "1", Some("counter")).await;
    let login = json!({ "username": shop.username("till-1"), "password": PASSWORD }).to_string();
    let request = shop.anonymous().request(Method::POST, "/api/auth/login").header(USER_AGENT, "till/7");
    let second: SessionResponse = shop.anonymous().send(request.body(login)).await.unwrap().ok().unwrap();
    let list = sessions_with_activity(&first).await;
    let [latest, oldest] = list.sessions.as_slice() else { panic!("{list:?}") };
    assert_eq!((latest.device_id.as_ref(), latest.agent.as_deref()), (None, Some("till/7")));
    assert_eq!(oldest.device_id.as_ref().map(|id| id.as_str()), Some("counter"));
    assert_eq!((latest.current, oldest.current, oldest.idle), (false, true, false));
    assert!(oldest.created_at < latest.created_at && oldest.created_at <= oldest.last_activity_at);
    // Each session marks itself as the current one, and a refresh changes neither.
    let second: SessionResponse = refresh(&shop.anonymous(), &second.refresh_token).await.ok().unwrap();
    let seen = sessions(&shop.anonymous().with_token(second.access_token)).await;
    let ids =
        |list: &SessionsResponse| list.sessions.iter().map(|session| session.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&seen), ids(&list));
    assert!(seen.sessions[0].current && !seen.sessions[1].current);
}

async fn ending_a_session_revokes_its_tokens(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", Some("mine")).await;
    let (lost, session) = sign_in_again(shop, "till-1", Some("lost")).await;
    assert!(is_accepted(&lost).await);
    let all = sessions(&mine).await.sessions;
    let id = &all.iter().find(|session| !session.current).unwrap().id;
    let ended: EndSessionsResponse = end(&mine, id.as_str()).await.ok().unwrap();
    assert_eq!((ended.ended, ended.effective_within_secs), (1, SESSION_STATUS_SECS));
    let refused = refresh(&lost, &session.refresh_token).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_deref()), (401, Some("refresh_invalid")));
    wait_until_revoked(&lost).await;
    assert!(is_accepted(&mine).await);
    assert_eq!(sessions(&mine).await.sessions.len(), 1);
    // A retry after a lost response finds no session.
    assert_eq!(end(&mine, id.as_str()).await.code().as_deref(), Some("session_not_found"));
}

async fn a_user_ends_the_other_sessions_or_all(shop: &'static Shop) {
    let (mine, session) = shop.session("till-1", "1", Some("mine")).await;
    let (b, _) = sign_in_again(shop, "till-1", None).await;
    let (c, _) = sign_in_again(shop, "till-1", Some("c")).await;
    assert!(is_accepted(&b).await && is_accepted(&c).await);
    assert_eq!(end_count(&mine, "others").await, 2);
    wait_until_revoked(&b).await;
    wait_until_revoked(&c).await;
    assert!(is_accepted(&mine).await);
    assert_eq!(end_count(&mine, "others").await, 0);
    assert_eq!(end_count(&mine, "all").await, 1);
    wait_until_revoked(&mine).await;
    assert_eq!(refresh(&mine, &session.refresh_token).await.status, 401);
}

async fn a_retry_ends_the_sessions_that_a_failed_request_left(shop: &'static Shop) {
    let (mine, session) = shop.session("till-1", "1", Some("mine")).await;
    let (b, _) = sign_in_again(shop, "till-1", None).await;
    assert!(is_accepted(&b).await && is_accepted(&mine).await);
    // The latest session is ended first; the update of the older one fails.
    let family = session.refresh_token.split('.').nth(1).unwrap();
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(family, "UpdateItem", Fault::Refused, 1000);
    assert_eq!(end(&mine, "all").await.code().as_deref(), Some("unavailable"));
    faults.clear(family);
    wait_until_revoked(&b).await;
    assert!(is_accepted(&mine).await);
    assert_eq!(end_count(&mine, "all").await, 1);
    wait_until_revoked(&mine).await;
}

async fn a_user_cannot_end_sessions_of_another_user(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let (theirs, _) = shop.session("till-2", "1", None).await;
    let id = sessions(&theirs).await.sessions[0].id.clone();
    assert_eq!(end(&mine, id.as_str()).await.code().as_deref(), Some("session_not_found"));
    assert_eq!(end_count(&mine, "others").await, 0);
    assert!(is_accepted(&theirs).await);
    // The OpenAPI document does not describe replies to unknown paths.
    let mine = mine.unchecked();
    for bad in ["a%2Fb", "a/b", ""] {
        assert_eq!(end(&mine, bad).await.status, 404, "{bad}");
    }
}

async fn one_session_too_many_ends_the_oldest(shop: &'static Shop) {
    let (first, session) = shop.session("till-1", "1", Some("first")).await;
    for i in 1..SESSIONS_PER_USER_DEFAULT {
        sign_in_again(shop, "till-1", Some(&format!("d{i}"))).await;
    }
    assert!(is_accepted(&first).await);
    assert_eq!(sessions(&first).await.sessions.len(), SESSIONS_PER_USER_DEFAULT);
    let (last, _) = sign_in_again(shop, "till-1", Some("one too many")).await;
    assert_eq!(refresh(&first, &session.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    wait_until_revoked(&first).await;
    assert_eq!(sessions(&last).await.sessions.len(), SESSIONS_PER_USER_DEFAULT);
}

/// The close frame of a socket whose session has ended.
fn session_ended() -> (u16, String) {
    (4401, "session ended".to_owned())
}

async fn ending_a_session_closes_its_sockets(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", Some("mine")).await;
    let (lost, _) = sign_in_again(shop, "till-1", Some("lost")).await;
    let mut my_listener = Listener::open(&mine, "mine").await;
    let mut listeners = [Listener::open(&lost, "lost").await, Listener::open(&lost, "lost").await];
    // The isolates now cache that the session is active.
    assert!(is_accepted(&lost).await);
    let reply = end(&mine, "others").await;
    assert_eq!(reply.ok::<EndSessionsResponse>().unwrap().ended, 1);
    assert_eq!(reply.header("x-tillsync-ended"), None, "a header for the edge alone reaches the client");
    for listener in &mut listeners {
        assert_eq!(listener.close_frame().await, session_ended());
    }
    // The session gets no new socket, even while HTTP requests may still accept its token. Only if Redis does
    // not answer in time can the edge miss that the session has ended.
    let open = async || Listener::at(&url(&lost, "lost"), &lost).await.next().await;
    let is_refused = |first: &Value| first["code"] == "session_revoked";
    poll(LONG_PATIENCE, open, is_refused).await.unwrap();
    let other = shop.till("till-2").await;
    other.push(&[product("p1", &json!({}))]).await;
    assert_eq!(my_listener.next_sync().await.record_id, "p1");
}

async fn every_way_to_end_a_session_closes_its_sockets(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    let mut listener = Listener::open(&api, "till-1").await;
    assert_eq!(logout(&shop.anonymous(), &session.refresh_token).await.status, 204);
    assert_eq!(listener.close_frame().await, session_ended());

    // A refresh token is reused, so there is a copy of it.
    let (api, first) = sign_in_again(shop, "till-1", Some("till-1")).await;
    let mut listener = Listener::open(&api, "till-1").await;
    let second: SessionResponse = refresh(&api, &first.refresh_token).await.ok().unwrap();
    refresh(&api, &second.refresh_token).await.ok::<SessionResponse>().unwrap();
    assert_eq!(refresh(&api, &first.refresh_token).await.code().as_deref(), Some("refresh_reused"));
    assert_eq!(listener.close_frame().await, session_ended());

    // A user moves to another branch and must no longer receive the changes of the first.
    let (api, session) = sign_in_again(shop, "till-1", Some("till-1")).await;
    let mut listener = Listener::open(&api, "till-1").await;
    set_user_attribute(shop, &session, "branch_id", "2").await;
    let moved: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    assert_eq!(listener.close_frame().await, session_ended());
    let till = Till { api: api.with_token(moved.access_token), device: "till-1".into() };
    Listener::open(&till.api, "till-1").await.assert_no_frame().await;

    // One sign-in too many ends the oldest session.
    let mut listener = Listener::open(&till.api, "till-1").await;
    for i in 0..SESSIONS_PER_USER_DEFAULT {
        sign_in_again(shop, "till-1", Some(&format!("d{i}"))).await;
    }
    assert_eq!(listener.close_frame().await, session_ended());
}

async fn a_session_missing_in_redis_is_not_listed_as_idle(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let id = sessions(&api).await.sessions[0].id.clone();
    shop.world.redis_command(&["DEL", &format!("tillsync:{}:session:{id}", shop.client)]).await;
    let list = sessions_with_activity(&api).await;
    assert!(!list.sessions[0].idle, "{list:?}");
}

async fn logout_and_a_reused_refresh_token_end_the_session(shop: &'static Shop) {
    let (a, session) = shop.session("till-1", "1", None).await;
    assert_eq!(logout(&shop.anonymous(), &session.refresh_token).await.status, 204);
    wait_until_revoked(&a).await;

    let (b, first) = sign_in_again(shop, "till-1", None).await;
    let second: SessionResponse = refresh(&b, &first.refresh_token).await.ok().unwrap();
    let third: SessionResponse = refresh(&b, &second.refresh_token).await.ok().unwrap();
    assert_eq!(refresh(&b, &first.refresh_token).await.code().as_deref(), Some("refresh_reused"));
    wait_until_revoked(&shop.anonymous().with_token(third.access_token)).await;
}
