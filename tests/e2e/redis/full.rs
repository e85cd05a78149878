//! Redis answers, and refuses to write: it is full and may not evict. Nothing that was acknowledged is hidden behind
//! what it still has, and nobody is promised what it did not take.

use std::time::Duration;

use auth::limits::{SESSION_ENDED_SECS, SESSION_STATUS_SECS};
use libtest_mimic::Trial;
use protocol::wire::auth::LoginRequest;
use protocol::wire::carts::PutCartResponse;
use protocol::wire::sessions::EndSessionsResponse;
use redis_rest::faults::Fault;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::counts::quiet;
use crate::accounts::sessions::{end, sessions_in_use};
use crate::carts::{delete, get, get_since, holds, put};
use crate::records::{read, wait_for};
use crate::shop::{PASSWORD, Shop, product};

pub(super) fn trials() -> Vec<Trial> {
    frail_trials![
        an_end_that_was_not_noted_is_not_promised,
        a_cart_is_as_it_was_put_last,
        what_changed_is_not_read_from_it,
    ]
}

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);

async fn an_end_that_was_not_noted_is_not_promised(shop: &'static Shop) {
    let (mine, _) = shop.session("till-1", "1", None).await;
    let login =
        LoginRequest { username: shop.username("till-1"), password: PASSWORD.into(), device_id: None };
    let (other, _) = shop.stranger().login(&login).await.unwrap();
    assert_eq!(other.get("/api/auth/me").await.unwrap().status, 200);
    // Whoever answers has got over the last time that Redis was away.
    sessions_in_use(&mine).await;
    shop.world.redis.front().faults().begin(Fault::Full);
    // However often it is asked for.
    for ended in [1, 0] {
        let answer: EndSessionsResponse = end(&mine, "others").await.ok().unwrap();
        assert_eq!((answer.ended, answer.effective_within_secs), (ended, SESSION_ENDED_SECS));
    }
    // Whoever signs in now is in, and what Redis knows can still be read.
    let (third, _) = shop.stranger().login(&login).await.unwrap();
    let listed = sessions_in_use(&third).await.sessions;
    assert!(listed.len() == 2 && listed.iter().all(|session| !session.idle), "{listed:?}");
    shop.world.redis.front().faults().lift();
    let until = Instant::now() + PATIENCE;
    while end(&mine, "others").await.ok::<EndSessionsResponse>().unwrap().effective_within_secs
        != SESSION_STATUS_SECS
    {
        assert!(Instant::now() < until, "it is never promised");
        sleep(PAUSE).await;
    }
    for api in [&other, &third] {
        while api.get("/api/auth/me").await.unwrap().code().as_deref() != Some("session_revoked") {
            assert!(Instant::now() < until, "its token goes on");
            sleep(PAUSE).await;
        }
    }
}

async fn a_cart_is_as_it_was_put_last(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let put = async |n: u64| {
        put(&api, "c1", &json!({ "data": { "n": n } })).await.ok::<PutCartResponse>().unwrap().stamp
    };
    // Nobody mends it.
    quiet(shop).await;
    let until = Instant::now() + PATIENCE;
    put(1).await;
    while get(&api, "c1").await.header("tillsync-cache") != Some("fresh") {
        assert!(Instant::now() < until, "it is never cached");
        sleep(PAUSE).await;
    }
    shop.world.redis.front().faults().begin(Fault::Full);
    for n in 2..5 {
        put(n).await;
        assert_eq!(holds(&get(&api, "c1").await), json!({ "n": n }));
    }
    assert_eq!(delete(&api, "c1").await.status, 204);
    assert_eq!(get(&api, "c1").await.status, 404);
    shop.world.redis.front().faults().lift();
    shop.world.stream.resume();
    let last = put(5).await;
    assert_eq!(holds(&get_since(&api, "c1", last).await), json!({ "n": 5 }));
}

async fn what_changed_is_not_read_from_it(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    quiet(shop).await;
    let pushed = till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    read(&till.api, "p1", Some(pushed.stamp)).await;
    // The cache has been told of that once its stamp is gone; what is read after that stays.
    let stamp = format!("tillsync:{}:tag:record:1:products:p1", shop.client);
    let until = Instant::now() + PATIENCE;
    shop.world.stream.resume();
    while shop.world.redis_says(&["EXISTS", &stamp]).await != json!(0) {
        assert!(Instant::now() < until, "the cache is never told");
        sleep(PAUSE).await;
    }
    while read(&till.api, "p1", None).await.header("tillsync-cache") != Some("fresh") {
        assert!(Instant::now() < until, "it is never cached");
        sleep(PAUSE).await;
    }
    shop.world.redis.front().faults().begin(Fault::Full);
    till.push(&[product("p1", &json!({ "n": 2 }))]).await;
    // To forget takes no memory.
    wait_for(&till.api, "p1", &json!({ "n": 2 })).await;
}
