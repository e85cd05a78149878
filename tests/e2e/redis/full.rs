//! Redis is full: it answers reads and refuses writes. Its old data hides no acknowledged write, and the
//! server promises nothing that Redis has not stored.

use auth::limits::{SESSION_ENDED_SECS, SESSION_STATUS_SECS};
use protocol::wire::sessions::EndSessionsResponse;
use redis_rest::faults::Fault;
use serde_json::json;
use tests::wait::poll;

use super::pause_streams;
use crate::accounts::sessions::{end, is_revoked, sessions_with_activity};
use crate::carts::{self, cart_data, delete, get, get_since, put_data};
use crate::records::{read, wait_for_data, wait_until_cached};
use crate::shop::{Shop, product};
use crate::world::{LONG_PATIENCE, PATIENCE};

trials! {
    exclusive:
    a_session_end_that_redis_refused_is_not_promised,
    a_cart_reads_as_last_written,
    a_changed_record_is_not_read_from_the_cache,
}

async fn a_session_end_that_redis_refused_is_not_promised(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let login = shop.login("till-1");
    let (other, _) = shop.anonymous().login(&login).await.unwrap();
    assert_eq!(other.get("/api/auth/me").await.unwrap().status, 200);
    // The functions must first notice that Redis is back after the test before this one.
    sessions_with_activity(&mine).await;
    shop.world.begin_redis_fault(Fault::Full);
    // A repeated request promises no more.
    let end_others = async || end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap();
    for ended in [1, 0] {
        let response = end_others().await;
        assert_eq!((response.ended, response.effective_within_secs), (ended, SESSION_ENDED_SECS));
    }
    // Sign-in still works, and so do reads from Redis.
    let (third, _) = shop.anonymous().login(&login).await.unwrap();
    let list = sessions_with_activity(&third).await.sessions;
    assert!(list.len() == 2 && list.iter().all(|session| !session.idle), "{list:?}");
    shop.world.redis_faults().lift();
    let is_promised = |ended: &EndSessionsResponse| ended.effective_within_secs == SESSION_STATUS_SECS;
    poll(LONG_PATIENCE, end_others, is_promised).await.unwrap();
    for api in [&other, &third] {
        poll(PATIENCE, async || is_revoked(api).await, |revoked| *revoked)
            .await
            .expect("the token is revoked");
    }
}

async fn a_cart_reads_as_last_written(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    // Otherwise the stream would correct the cached cart.
    pause_streams(shop).await;
    put_data(&api, "c1", &json!({ "n": 1 })).await;
    carts::wait_until_cached(&api, "c1", &json!({ "n": 1 }), PATIENCE).await;
    shop.world.begin_redis_fault(Fault::Full);
    for n in 2..5 {
        put_data(&api, "c1", &json!({ "n": n })).await;
        assert_eq!(cart_data(&get(&api, "c1").await), json!({ "n": n }));
    }
    assert_eq!(delete(&api, "c1").await.status, 204);
    assert_eq!(get(&api, "c1").await.status, 404);
    shop.world.redis_faults().lift();
    shop.world.stream.resume();
    let last = put_data(&api, "c1", &json!({ "n": 5 })).await;
    assert_eq!(cart_data(&get_since(&api, "c1", last).await), json!({ "n": 5 }));
}

async fn a_changed_record_is_not_read_from_the_cache(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    pause_streams(shop).await;
    let pushed = till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    read(&till.api, "p1", Some(pushed.stamp)).await;
    // The stream has invalidated the record once its tag version is gone. What is cached after that stays.
    let key = format!("tillsync:{}:tag:record:1:products:p1", shop.client);
    shop.world.stream.resume();
    let exists = async || shop.world.redis_command(&["EXISTS", &key]).await;
    poll(LONG_PATIENCE, exists, |exists| *exists == json!(0)).await.unwrap();
    wait_until_cached(&till.api, "p1", None).await;
    shop.world.begin_redis_fault(Fault::Full);
    till.push(&[product("p1", &json!({ "n": 2 }))]).await;
    // A full Redis can still delete the tag version.
    wait_for_data(&till.api, "p1", &json!({ "n": 2 })).await;
}
