//! Redis is dead, hangs or answers 500: what works without it.

use auth::limits::{LOGIN_FAILURES_FREE, SESSION_ENDED_SECS};
use auth::token::SESSION_ENDED;
use protocol::ids::SessionId;
use protocol::stamp::Stamp;
use protocol::wire::auth::SessionResponse;
use protocol::wire::record::BatchGetResponse;
use protocol::wire::resolve::ResolveResponse;
use protocol::wire::sessions::EndSessionsResponse;
use redis_rest::faults::Fault;
use serde_json::json;
use tests::api::Api;
use tests::wait::{poll, until};

use crate::accounts::refresh;
use crate::accounts::sessions::{end, is_revoked, sessions};
use crate::carts::{cart_data, get, put_data};
use crate::records::{data, names, read};
use crate::replies::source;
use crate::shop::{Shop, product};
use crate::sync::resolve::{accept_client, send};
use crate::world::{EXCLUSIVE_USER_PER_MINUTE, LONG_PATIENCE};

trials! {
    exclusive:
    users_sign_in_and_out_while_redis_is_dead = |shop| check_sign_in(shop, Outage::Dead),
    users_sign_in_and_out_while_redis_hangs = |shop| check_sign_in(shop, HANGS),
    tills_sell_and_read_while_redis_is_dead = |shop| check_requests(shop, Outage::Dead),
    tills_sell_and_read_while_redis_answers_500 = |shop| check_requests(shop, STATUS_500),
    tills_sell_and_read_while_redis_hangs = |shop| check_requests(shop, HANGS),
    a_retry_revokes_a_session_whose_end_redis_missed,
    cache_endpoints_answer_503_without_redis,
    each_isolate_keeps_the_rate_limits_without_redis,
}

/// How Redis fails.
#[derive(Clone, Copy)]
pub(crate) enum Outage {
    /// There is no server.
    Dead,
    /// The server fails every request in this way.
    Fails(Fault),
}

const HANGS: Outage = Outage::Fails(Fault::Hold);
const STATUS_500: Outage = Outage::Fails(Fault::Status(500));

pub(crate) async fn begin_outage(shop: &Shop, outage: Outage) {
    let redis = &shop.world.redis;
    match outage {
        Outage::Dead => redis.engine().kill().await,
        Outage::Fails(fault) => redis.front().faults().begin(fault),
    }
}

pub(crate) async fn end_outage(shop: &Shop, outage: Outage) {
    let redis = &shop.world.redis;
    match outage {
        Outage::Dead => redis.engine().restart().await.unwrap(),
        Outage::Fails(_) => redis.front().faults().lift(),
    }
}

async fn check_sign_in(shop: &'static Shop, outage: Outage) {
    let (before, _) = shop.session("till-1", "1", Some("before")).await;
    begin_outage(shop, outage).await;
    // Sessions stay valid, and other users sign in.
    assert_eq!(before.get("/api/auth/me").await.unwrap().status, 200);
    let (api, session) = shop.session("till-2", "1", Some("new")).await;
    let next: SessionResponse = refresh(&api, &session.refresh_token).await.ok().unwrap();
    let api = api.with_token(next.access_token);
    // The list is complete, and says that it lacks the activity.
    let list = sessions(&api).await;
    assert_eq!((list.sessions.len(), list.activity_known), (1, false));
    assert!(list.sessions[0].current && !list.sessions[0].idle);
    // A session is ended at once, but the edge learns of it later, as the response says.
    let ended: EndSessionsResponse = end(&api, "all").await.ok().unwrap();
    assert_eq!((ended.ended, ended.effective_within_secs), (1, SESSION_ENDED_SECS));
    assert_eq!(refresh(&api, &next.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    end_outage(shop, outage).await;
    let (api, _) = shop.session("till-3", "1", None).await;
    assert_eq!(sessions(&api).await.sessions.len(), 1);
}

async fn check_requests(shop: &'static Shop, outage: Outage) {
    let till = shop.till("till-1").await;
    let cart_stamp = put_data(&till.api, "c1", &json!({ "n": 0 })).await;
    begin_outage(shop, outage).await;
    let mut stamp = Stamp::ZERO;
    for n in 1..6 {
        let pushed = till.push(&[product("p1", &json!({ "n": n }))]).await;
        assert!(pushed.stamp > stamp);
        stamp = pushed.stamp;
        assert_eq!(data(&read(&till.api, "p1", Some(stamp)).await), json!({ "n": n }));
        assert_eq!(till.api.get(&format!("/api/sync/stats?min={}", stamp.0)).await.unwrap().status, 200);
        let resolved = send(&till.api, &accept_client("till-1", &json!({ "n": n }))).await;
        stamp = resolved.ok::<ResolveResponse>().unwrap().stamp;
        let names = json!({ "records": names(["p1"]) }).to_string();
        let path = format!("/api/data/batch-get?min={}", stamp.0);
        let several: BatchGetResponse = till.api.post(&path, names).await.unwrap().ok().unwrap();
        assert_eq!(several.records[0].stamp, stamp);
        assert!(put_data(&till.api, "c1", &json!({ "n": n })).await > cart_stamp);
        let cart = get(&till.api, "c1").await;
        assert_eq!((cart_data(&cart), source(&cart)), (json!({ "n": n }), Some("loaded")));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.last().unwrap().stamp, stamp);
    end_outage(shop, outage).await;
    assert_eq!(data(&read(&till.api, "p1", Some(stamp)).await), json!({ "n": 5 }));
}

async fn a_retry_revokes_a_session_whose_end_redis_missed(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let login = shop.login("till-1");
    let (other, session) = shop.anonymous().login(&login).await.unwrap();
    let (third, third_session) = shop.anonymous().login(&login).await.unwrap();
    let id = async |api: &Api| {
        let list = sessions(api).await.sessions;
        list.into_iter().find(|session| session.current).unwrap().id
    };
    let (other_id, third_id) = (id(&other).await, id(&third).await);
    shop.world.begin_redis_fault(Fault::Refuse);
    let ended: EndSessionsResponse = end(&mine, "others").await.ok().unwrap();
    assert_eq!((ended.ended, ended.effective_within_secs), (2, SESSION_ENDED_SECS));
    // No session is left to end, and Redis still knows nothing of the end.
    let again: EndSessionsResponse = end(&mine, "others").await.ok().unwrap();
    assert_eq!((again.ended, again.effective_within_secs), (0, SESSION_ENDED_SECS));
    shop.world.redis_faults().lift();
    // This part of the edge refuses the sessions, since it saw their end; another part asks Redis.
    assert!(is_revoked(&other).await && is_revoked(&third).await);
    let ended_in_redis = async |id: &SessionId| {
        let key = format!("tillsync:{}:session:{id}", shop.client);
        shop.world.redis_command(&["GET", &key]).await == SESSION_ENDED
    };
    assert!(!ended_in_redis(&other_id).await && !ended_in_redis(&third_id).await);
    // A refresh by the ended session revokes it, and so does a second request to end it.
    let both_revoked = async || {
        if !ended_in_redis(&third_id).await {
            assert_eq!(refresh(&third, &third_session.refresh_token).await.status, 401);
            return Err("the session is still active after a refresh");
        }
        if !ended_in_redis(&other_id).await {
            assert_eq!(end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().ended, 0);
            return Err("the session is still active after a second request to end it");
        }
        Ok(())
    };
    until(LONG_PATIENCE, both_revoked).await.unwrap();
    assert_eq!(refresh(&other, &session.refresh_token).await.code().as_deref(), Some("refresh_invalid"));
    assert!(!is_revoked(&mine).await);
}

async fn cache_endpoints_answer_503_without_redis(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    let admin = shop.admin().await;
    let warm = json!({ "table_name": "products" }).to_string();
    begin_outage(shop, Outage::Dead).await;
    let replies = [
        admin.get("/api/cache/report").await.unwrap(),
        admin.get("/api/cache/stats").await.unwrap(),
        admin.post("/api/cache/invalidate", "{}".to_owned()).await.unwrap(),
        admin.post("/api/cache/warm", warm.clone()).await.unwrap(),
    ];
    for reply in replies {
        assert_eq!(reply.code().as_deref(), Some("unavailable"), "{}", reply.body);
        assert!(reply.header("retry-after").is_some());
    }
    end_outage(shop, Outage::Dead).await;
    // The endpoints work again once the circuit breaker closes.
    let warm_up = async || admin.post("/api/cache/warm", warm.clone()).await.unwrap();
    poll(LONG_PATIENCE, warm_up, |reply| reply.status == 200).await.unwrap();
}

async fn each_isolate_keeps_the_rate_limits_without_redis(shop: &'static Shop) {
    let (api, _) = shop.session("till-1", "1", None).await;
    begin_outage(shop, Outage::Dead).await;
    let mut served = 0;
    let refused = loop {
        let reply = api.get("/api/auth/me").await.unwrap();
        if reply.status == 429 {
            break reply;
        }
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.header("ratelimit").is_some());
        served += 1;
        assert!(served < EXCLUSIVE_USER_PER_MINUTE * 10, "the user is not limited");
    };
    assert!(served >= EXCLUSIVE_USER_PER_MINUTE - 1, "refused after {served}");
    assert_eq!(refused.code().as_deref(), Some("rate_limited"));
    // Wrong passwords are counted in DynamoDB.
    let name = shop.username("till-1");
    let mut guesses = 0;
    loop {
        let body = json!({ "username": name, "password": "a guess" }).to_string();
        if shop.anonymous().post("/api/auth/login", body).await.unwrap().status == 429 {
            break;
        }
        guesses += 1;
        assert!(guesses <= LOGIN_FAILURES_FREE, "a username is not limited");
    }
    assert_eq!(guesses, LOGIN_FAILURES_FREE);
    end_outage(shop, Outage::Dead).await;
}
