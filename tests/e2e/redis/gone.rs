//! Redis is dead, or does not answer: what goes on without it.

use std::time::Duration;

use auth::limits::SESSION_ENDED_SECS;
use libtest_mimic::Trial;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::{LoginRequest, SessionResponse};
use protocol::wire::carts::PutCartResponse;
use protocol::wire::record::BatchGetResponse;
use protocol::wire::resolve::ResolveResponse;
use protocol::wire::sessions::EndSessionsResponse;
use redis_rest::faults::Fault;
use serde_json::{Value, json};
use tests::api::Api;
use tokio::time::{Instant, sleep};

use crate::accounts::sessions::{end, refresh, sessions};
use crate::carts::{get, holds, put};
use crate::records::{data, read};
use crate::shop::{PASSWORD, Shop, product};
use crate::world::FRAIL_USER_PER_MINUTE;

pub(super) fn trials() -> Vec<Trial> {
    frail_trials![
        users_sign_in_and_out_without_redis,
        users_sign_in_and_out_while_redis_hangs,
        tills_sell_and_read_without_redis,
        tills_sell_and_read_while_redis_answers_500,
        tills_sell_and_read_while_redis_hangs,
        a_session_that_redis_missed_the_end_of_is_ended_by_asking_again,
        what_is_about_the_cache_alone_says_so,
        limits_are_kept_by_each_isolate,
        the_door_says_how_it_stands,
    ]
}

async fn users_sign_in_and_out_without_redis(shop: &'static Shop) {
    sign_in(shop, How::Dead).await;
}

async fn users_sign_in_and_out_while_redis_hangs(shop: &'static Shop) {
    sign_in(shop, How::Hangs).await;
}

async fn tills_sell_and_read_without_redis(shop: &'static Shop) {
    serve(shop, How::Dead).await;
}

async fn tills_sell_and_read_while_redis_answers_500(shop: &'static Shop) {
    serve(shop, How::Faults).await;
}

async fn tills_sell_and_read_while_redis_hangs(shop: &'static Shop) {
    serve(shop, How::Hangs).await;
}

/// How it is gone.
#[derive(Clone, Copy)]
enum How {
    /// There is no server.
    Dead,
    /// It takes requests, and never answers.
    Hangs,
    /// Somebody before it answers.
    Faults,
}

async fn take_away(shop: &Shop, how: How) {
    let redis = &shop.world.redis;
    match how {
        How::Dead => redis.engine().kill().await,
        How::Hangs => redis.front().faults().begin(Fault::Hold),
        How::Faults => redis.front().faults().begin(Fault::Status(500)),
    }
}

async fn give_back(shop: &Shop, how: How) {
    let redis = &shop.world.redis;
    match how {
        How::Dead => redis.engine().restart().await.unwrap(),
        How::Hangs | How::Faults => redis.front().faults().lift(),
    }
}

async fn sign_in(shop: &'static Shop, how: How) {
    let (before, _) = shop.session("till-1", "1", Some("before")).await;
    take_away(shop, how).await;
    // Who is in stays in, and others come in.
    assert_eq!(before.get("/api/auth/me").await.unwrap().status, 200);
    let (api, session) = shop.session("till-2", "1", Some("new")).await;
    let next: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    let api = api.with_token(next.access_token);
    // The list is whole, and says what it does not know.
    let listed = sessions(&api).await;
    assert_eq!((listed.sessions.len(), listed.activity_known), (1, false));
    assert!(listed.sessions[0].current && !listed.sessions[0].idle);
    // What is ended is ended, only that the edge hears of it later; the answer says so.
    let ended: EndSessionsResponse = end(&api, "all").await.ok().unwrap();
    assert_eq!((ended.ended, ended.effective_within_secs), (1, SESSION_ENDED_SECS));
    assert_eq!(refresh(&api, &next.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    give_back(shop, how).await;
    let (api, _) = shop.session("till-3", "1", None).await;
    assert_eq!(sessions(&api).await.sessions.len(), 1);
}

async fn serve(shop: &'static Shop, how: How) {
    let till = shop.till("till-1").await;
    let cart: PutCartResponse = put(&till.api, "c1", &json!({ "data": { "n": 0 } })).await.ok().unwrap();
    take_away(shop, how).await;
    let mut stamp = Stamp::ZERO;
    for n in 1..6 {
        let pushed = till.push(&[product("p1", &json!({ "n": n }))]).await;
        assert!(pushed.stamp > stamp);
        stamp = pushed.stamp;
        assert_eq!(data(&read(&till.api, "p1", Some(stamp)).await), json!({ "n": n }));
        assert_eq!(till.api.get(&format!("/api/sync/stats?min={}", stamp.0)).await.unwrap().status, 200);
        let settled = json!({ "device_id": "till-1", "table_name": "products", "record_id": "p1",
            "resolution": "accept_client", "client_data": { "n": n } });
        let settled = till.api.post("/api/sync/resolve-conflict", settled.to_string()).await.unwrap();
        stamp = settled.ok::<ResolveResponse>().unwrap().stamp;
        let names = json!({ "records": [{ "table_name": "products", "record_id": "p1" }] }).to_string();
        let path = format!("/api/data/batch-get?min={}", stamp.0);
        let several: BatchGetResponse = till.api.post(&path, names).await.unwrap().ok().unwrap();
        assert_eq!(several.records[0].stamp, stamp);
        let written: PutCartResponse =
            put(&till.api, "c1", &json!({ "data": { "n": n } })).await.ok().unwrap();
        assert!(written.stamp > cart.stamp);
        let found = get(&till.api, "c1").await;
        assert_eq!((holds(&found), found.header("tillsync-cache")), (json!({ "n": n }), Some("loaded")));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.last().unwrap().stamp, stamp);
    give_back(shop, how).await;
    assert_eq!(data(&read(&till.api, "p1", Some(stamp)).await), json!({ "n": 5 }));
}

async fn a_session_that_redis_missed_the_end_of_is_ended_by_asking_again(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let login =
        LoginRequest { username: shop.username("till-1"), password: PASSWORD.into(), device_id: None };
    let (other, session) = shop.stranger().login(&login).await.unwrap();
    let (third, third_session) = shop.stranger().login(&login).await.unwrap();
    let refused =
        async |api: &Api| api.get("/api/auth/me").await.unwrap().code().as_deref() == Some("session_revoked");
    shop.world.redis.front().faults().begin(Fault::Refuse);
    let ended: EndSessionsResponse = end(&mine, "others").await.ok().unwrap();
    assert_eq!((ended.ended, ended.effective_within_secs), (2, SESSION_ENDED_SECS));
    // There is nothing left to end, and still nobody has heard of it.
    let again: EndSessionsResponse = end(&mine, "others").await.ok().unwrap();
    assert_eq!((again.ended, again.effective_within_secs), (0, SESSION_ENDED_SECS));
    shop.world.redis.front().faults().lift();
    assert!(!refused(&other).await && !refused(&third).await);
    let until = Instant::now() + Duration::from_secs(30);
    // Either the user asks again, or the one that is out tries to go on.
    while !refused(&third).await {
        assert_eq!(refresh(&third, &third_session.refresh_token).await.status, 401);
        assert!(Instant::now() < until, "its token goes on");
        sleep(Duration::from_millis(500)).await;
    }
    while !refused(&other).await {
        assert_eq!(end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().ended, 0);
        assert!(Instant::now() < until, "its token goes on");
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(refresh(&other, &session.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    assert!(!refused(&mine).await);
}

async fn what_is_about_the_cache_alone_says_so(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    let login = shop.user("admin", Role::Admin, Some("1")).await;
    let (admin, _) = shop.stranger().login(&login).await.unwrap();
    let warm = json!({ "table_name": "products" }).to_string();
    take_away(shop, How::Dead).await;
    let answers = [
        admin.get("/api/cache/report").await.unwrap(),
        admin.get("/api/cache/stats").await.unwrap(),
        admin.post("/api/cache/invalidate", "{}".to_owned()).await.unwrap(),
        admin.post("/api/cache/warm", warm.clone()).await.unwrap(),
    ];
    for answer in answers {
        assert_eq!(answer.code().as_deref(), Some("unavailable"), "{}", answer.body);
        assert!(answer.header("retry-after").is_some());
    }
    give_back(shop, How::Dead).await;
    // By itself, once the pause of the circuit breaker is over.
    let until = Instant::now() + Duration::from_secs(30);
    while admin.post("/api/cache/warm", warm.clone()).await.unwrap().status != 200 {
        assert!(Instant::now() < until, "it never comes back");
        sleep(Duration::from_millis(200)).await;
    }
}

async fn limits_are_kept_by_each_isolate(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    take_away(shop, How::Dead).await;
    let mut served = 0;
    let refused = loop {
        let reply = api.get("/api/auth/me").await.unwrap();
        if reply.status == 429 {
            break reply;
        }
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.header("ratelimit").is_some());
        served += 1;
        assert!(served < FRAIL_USER_PER_MINUTE * 10, "nobody counts");
    };
    assert!(served >= FRAIL_USER_PER_MINUTE - 1, "refused after {served}");
    assert_eq!(refused.code().as_deref(), Some("rate_limited"));
    // Guessing passwords gets harder, not easier: a tenth of the 30 a minute of this stack.
    let name = shop.username("till-1");
    let mut guesses = 0;
    loop {
        let body = json!({ "username": name, "password": "a guess" }).to_string();
        if shop.stranger().post("/api/auth/login", body).await.unwrap().status == 429 {
            break;
        }
        guesses += 1;
        assert!(guesses < 30, "a name can be tried as often as with Redis");
    }
    give_back(shop, How::Dead).await;
}

async fn the_door_says_how_it_stands(shop: &'static Shop) {
    let ask = async || -> Value { shop.stranger().get("/readyz").await.unwrap().ok().unwrap() };
    let until = Instant::now() + Duration::from_secs(30);
    let wait_for = async |status: &str| loop {
        let ready = ask().await;
        if ready["status"] == status {
            return ready;
        }
        assert!(Instant::now() < until, "{ready}");
        sleep(Duration::from_millis(200)).await;
    };
    let well = wait_for("ok").await;
    assert_eq!((&well["redis"]["reachable"], &well["redis"]["breaker"]), (&json!(true), &json!("closed")));
    assert!(well["redis"]["used_memory_bytes"].as_u64().unwrap() > 0, "{well}");
    assert!(well["redis"]["latency_micros"].as_u64().is_some(), "{well}");
    take_away(shop, How::Dead).await;
    let ill = wait_for("degraded").await;
    assert_eq!((&ill["redis"]["reachable"], &ill["redis"]["latency_micros"]), (&json!(false), &Value::Null));
    give_back(shop, How::Dead).await;
    wait_for("ok").await;
}
