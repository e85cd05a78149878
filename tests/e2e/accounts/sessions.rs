//! Where a user is signed in, and ending it.

use std::time::Duration;

use auth::limits::{SESSION_STATUS_SECS, SESSIONS_PER_USER_DEFAULT};
use libtest_mimic::Trial;
use local::dynamo::faults::Fault;
use protocol::wire::auth::{LoginRequest, SessionResponse};
use protocol::wire::sessions::{EndSessionsResponse, SessionsResponse};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::json;
use tests::api::{Api, Reply};
use tests::till::socket;
use tokio::time::{Instant, sleep};

use crate::shop::{PASSWORD, Shop, Till, product};
use crate::sync::broadcast::Listener;
use privileges::set;

mod privileges;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![
        a_user_sees_where_it_is_signed_in,
        an_ended_session_is_refused_at_once_and_its_tokens_within_seconds,
        the_others_are_ended_or_all,
        those_that_were_ended_before_a_failure_are_ended,
        nobody_ends_somebody_elses,
        with_one_too_many_the_oldest_leaves,
        one_that_redis_has_lost_is_not_idle,
        an_ended_session_has_no_socket_any_more,
        whatever_ends_a_session_closes_its_sockets,
        logout_and_a_used_token_end_the_session_too,
    ];
    trials.extend(privileges::trials());
    trials
}

/// Longer than is promised: the promise is in the answers, and machines under test are slow.
const PATIENCE: Duration = Duration::from_secs(6 * SESSION_STATUS_SECS);
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn sessions(api: &Api) -> SessionsResponse {
    api.get("/api/sessions").await.unwrap().ok().unwrap()
}

/// The list, once Redis has answered in time to say what is in use.
pub(crate) async fn sessions_in_use(api: &Api) -> SessionsResponse {
    let until = Instant::now() + PATIENCE;
    loop {
        let answer = sessions(api).await;
        if answer.activity_known {
            return answer;
        }
        assert!(Instant::now() < until, "nobody knows what is in use: {answer:?}");
        sleep(PAUSE).await;
    }
}

pub(crate) async fn end(api: &Api, which: &str) -> Reply {
    api.send(api.request(Method::DELETE, &format!("/api/sessions/{which}"))).await.unwrap()
}

pub(crate) async fn refresh(api: &Api, token: &str) -> Reply {
    api.post("/api/auth/refresh", json!({ "refreshToken": token }).to_string()).await.unwrap()
}

/// Waits until the edge refuses the token of `api`, by sync and by everything else.
async fn assert_refused(api: &Api) {
    let until = Instant::now() + PATIENCE;
    for path in ["/api/auth/me", "/api/sync/pull-changes"] {
        loop {
            let reply = api.get(path).await.unwrap();
            if reply.code().as_deref() == Some("session_revoked") {
                assert_eq!(reply.status, 401);
                assert!(reply.header("www-authenticate").unwrap().contains("invalid_token"));
                break;
            }
            assert!(Instant::now() < until, "{path} still answers {} {}", reply.status, reply.body);
            sleep(PAUSE).await;
        }
    }
}

async fn works(api: &Api) -> bool {
    api.get("/api/auth/me").await.unwrap().status == 200
}

async fn sign_in_again(shop: &Shop, name: &str, device: Option<&str>) -> (Api, SessionResponse) {
    let device_id = device.map(|device| device.parse().unwrap());
    let login = LoginRequest { username: shop.username(name), password: PASSWORD.into(), device_id };
    let until = Instant::now() + PATIENCE;
    loop {
        match shop.stranger().login(&login).await {
            Ok(signed_in) => return signed_in,
            // While Redis does not answer in time, a name is let in three times a minute.
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
        sleep(PAUSE).await;
    }
}

async fn a_user_sees_where_it_is_signed_in(shop: &'static Shop) {
    let (first, _) = shop.session("till-1", "1", Some("counter")).await;
    let login = json!({ "username": shop.username("till-1"), "password": PASSWORD }).to_string();
    let request = shop.stranger().request(Method::POST, "/api/auth/login").header(USER_AGENT, "till/7");
    let second: SessionResponse = shop.stranger().send(request.body(login)).await.unwrap().ok().unwrap();
    let answer = sessions_in_use(&first).await;
    let [latest, oldest] = answer.sessions.as_slice() else { panic!("{answer:?}") };
    assert_eq!((latest.device_id.as_ref(), latest.agent.as_deref()), (None, Some("till/7")));
    assert_eq!(oldest.device_id.as_ref().map(|id| id.as_str()), Some("counter"));
    assert_eq!((latest.current, oldest.current, oldest.idle), (false, true, false));
    assert!(oldest.created_at < latest.created_at && oldest.created_at <= oldest.last_activity_at);
    // Each sees itself as the current one, and a refresh changes neither.
    let second: SessionResponse = refresh(&shop.stranger(), &second.refresh_token).await.ok().unwrap();
    let seen = sessions(&shop.stranger().with_token(second.access_token)).await;
    let ids = |answer: &SessionsResponse| {
        answer.sessions.iter().map(|session| session.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&seen), ids(&answer));
    assert!(seen.sessions[0].current && !seen.sessions[1].current);
}

async fn an_ended_session_is_refused_at_once_and_its_tokens_within_seconds(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", Some("mine")).await;
    let (lost, session) = sign_in_again(shop, "till-1", Some("lost")).await;
    assert!(works(&lost).await);
    let all = sessions(&mine).await.sessions;
    let lost_one = all.iter().find(|session| !session.current).unwrap();
    let ended: EndSessionsResponse = end(&mine, lost_one.id.as_str()).await.ok().unwrap();
    assert_eq!((ended.ended, ended.effective_within_secs), (1, SESSION_STATUS_SECS));
    let refused = refresh(&lost, &session.refresh_token).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_deref()), (401, Some("refresh_invalid")));
    assert_refused(&lost).await;
    assert!(works(&mine).await);
    assert_eq!(sessions(&mine).await.sessions.len(), 1);
    // The answer was lost, and the user asks again.
    assert_eq!(end(&mine, lost_one.id.as_str()).await.code().as_deref(), Some("session_not_found"));
}

async fn the_others_are_ended_or_all(shop: &'static Shop) {
    let (mine, session) = shop.session("till-1", "1", Some("mine")).await;
    let (b, _) = sign_in_again(shop, "till-1", None).await;
    let (c, _) = sign_in_again(shop, "till-1", Some("c")).await;
    assert!(works(&b).await && works(&c).await);
    assert_eq!(end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().ended, 2);
    assert_refused(&b).await;
    assert_refused(&c).await;
    assert!(works(&mine).await);
    assert_eq!(end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().ended, 0);
    assert_eq!(end(&mine, "all").await.ok::<EndSessionsResponse>().unwrap().ended, 1);
    assert_refused(&mine).await;
    assert_eq!(refresh(&mine, &session.refresh_token).await.status, 401);
}

async fn those_that_were_ended_before_a_failure_are_ended(shop: &'static Shop) {
    let (mine, session) = shop.session("till-1", "1", Some("mine")).await;
    let (b, _) = sign_in_again(shop, "till-1", None).await;
    assert!(works(&b).await && works(&mine).await);
    // The latest is ended first; then DynamoDB is gone.
    let family = session.refresh_token.split('.').nth(1).unwrap();
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(family, "UpdateItem", Fault::Refused, 1000);
    assert_eq!(end(&mine, "all").await.code().as_deref(), Some("unavailable"));
    faults.clear(family);
    assert_refused(&b).await;
    assert!(works(&mine).await);
    assert_eq!(end(&mine, "all").await.ok::<EndSessionsResponse>().unwrap().ended, 1);
    assert_refused(&mine).await;
}

async fn nobody_ends_somebody_elses(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let (theirs, _) = shop.session("till-2", "1", None).await;
    let id = sessions(&theirs).await.sessions[0].id.clone();
    assert_eq!(end(&mine, id.as_str()).await.code().as_deref(), Some("session_not_found"));
    assert_eq!(end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().ended, 0);
    assert!(works(&theirs).await);
    // No address at all, of which no document says what it answers.
    let mine = mine.unchecked();
    for bad in ["a%2Fb", "a/b", ""] {
        assert_eq!(end(&mine, bad).await.status, 404, "{bad}");
    }
}

async fn with_one_too_many_the_oldest_leaves(shop: &'static Shop) {
    let (first, session) = shop.session("till-1", "1", Some("first")).await;
    for i in 1..SESSIONS_PER_USER_DEFAULT {
        sign_in_again(shop, "till-1", Some(&format!("d{i}"))).await;
    }
    assert!(works(&first).await);
    assert_eq!(sessions(&first).await.sessions.len(), SESSIONS_PER_USER_DEFAULT);
    let (last, _) = sign_in_again(shop, "till-1", Some("one too many")).await;
    assert_eq!(refresh(&first, &session.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    assert_refused(&first).await;
    assert_eq!(sessions(&last).await.sessions.len(), SESSIONS_PER_USER_DEFAULT);
}

fn ended() -> (u16, String) {
    (4401, "session ended".to_owned())
}

async fn an_ended_session_has_no_socket_any_more(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", Some("mine")).await;
    let (lost, _) = sign_in_again(shop, "till-1", Some("lost")).await;
    let mut my_ear = Listener::open(&mine, "mine").await;
    let mut ears = [Listener::open(&lost, "lost").await, Listener::open(&lost, "lost").await];
    // It is known to stand, to whoever remembers.
    assert!(works(&lost).await);
    let reply = end(&mine, "others").await;
    assert_eq!(reply.ok::<EndSessionsResponse>().unwrap().ended, 1);
    assert_eq!(reply.header("x-tillsync-ended"), None, "that is between function and edge");
    for ear in &mut ears {
        assert_eq!(ear.farewell().await, ended());
    }
    // Nor does it get another, not even within the seconds in which its token may still be taken.
    let until = Instant::now() + PATIENCE;
    let refused = loop {
        match tokio_tungstenite::connect_async(socket::url(&lost, "lost")).await {
            Err(refused) => break refused,
            // Redis did not say in time that it has ended.
            Ok(_) => assert!(Instant::now() < until, "it gets another"),
        }
    };
    let tokio_tungstenite::tungstenite::Error::Http(answer) = refused else { panic!("{refused}") };
    assert_eq!(answer.status(), 401);
    let other = shop.till("till-2").await;
    other.push(&[product("p1", &json!({}))]).await;
    assert_eq!(my_ear.next_sync().await.record_id, "p1");
}

async fn whatever_ends_a_session_closes_its_sockets(shop: &'static Shop) {
    let (api, session) = shop.session("till-1", "1", Some("till-1")).await;
    let mut ear = Listener::open(&api, "till-1").await;
    let body = json!({ "refreshToken": session.refresh_token }).to_string();
    assert_eq!(shop.stranger().post("/api/auth/logout", body).await.unwrap().status, 204);
    assert_eq!(ear.farewell().await, ended());

    // A refresh token that is used once more: somebody has a copy.
    let (api, first) = sign_in_again(shop, "till-1", Some("till-1")).await;
    let mut ear = Listener::open(&api, "till-1").await;
    let second: SessionResponse = refresh(&api, &first.refresh_token).await.ok().unwrap();
    refresh(&api, &second.refresh_token).await.ok::<SessionResponse>().unwrap();
    assert_eq!(refresh(&api, &first.refresh_token).await.code().as_deref(), Some("refresh_reused"));
    assert_eq!(ear.farewell().await, ended());

    // A user who works elsewhere now hears no more of the branch before.
    let (api, session) = sign_in_again(shop, "till-1", Some("till-1")).await;
    let mut ear = Listener::open(&api, "till-1").await;
    set(shop, &session, "branch_id", "2").await;
    let moved: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    assert_eq!(ear.farewell().await, ended());
    let till = Till { api: api.with_token(moved.access_token), device: "till-1".into() };
    Listener::open(&till.api, "till-1").await.hears_nothing_but_pong().await;

    // One sign-in too many.
    let mut ear = Listener::open(&till.api, "till-1").await;
    for i in 0..SESSIONS_PER_USER_DEFAULT {
        sign_in_again(shop, "till-1", Some(&format!("d{i}"))).await;
    }
    assert_eq!(ear.farewell().await, ended());
}

async fn one_that_redis_has_lost_is_not_idle(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    let id = sessions(&api).await.sessions[0].id.clone();
    shop.world.redis_says(&["DEL", &format!("tillsync:{}:session:{id}", shop.client)]).await;
    let listed = sessions_in_use(&api).await;
    assert!(!listed.sessions[0].idle, "{listed:?}");
}

async fn logout_and_a_used_token_end_the_session_too(shop: &'static Shop) {
    let (a, session) = shop.session("till-1", "1", None).await;
    let body = json!({ "refreshToken": session.refresh_token }).to_string();
    assert_eq!(shop.stranger().post("/api/auth/logout", body).await.unwrap().status, 204);
    assert_refused(&a).await;

    let (b, first) = sign_in_again(shop, "till-1", None).await;
    let second: SessionResponse = refresh(&b, &first.refresh_token).await.ok().unwrap();
    let third: SessionResponse = refresh(&b, &second.refresh_token).await.ok().unwrap();
    assert_eq!(refresh(&b, &first.refresh_token).await.code().as_deref(), Some("refresh_reused"));
    assert_refused(&shop.stranger().with_token(third.access_token)).await;
}
