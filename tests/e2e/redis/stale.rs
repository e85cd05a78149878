//! Redis was away while things changed, and comes back with what it had: nothing of that stays for long.

use std::time::Duration;

use libtest_mimic::Trial;
use protocol::wire::carts::PutCartResponse;
use redis_rest::faults::Fault;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::counts::quiet;
use crate::carts::{delete, get, get_since, holds, put};
use crate::records::{data, read, wait_for};
use crate::shop::{Shop, product};

pub(super) fn trials() -> Vec<Trial> {
    frail_trials![
        a_change_that_redis_missed_reaches_it_later,
        a_cart_that_redis_missed_reaches_it_later,
        an_older_copy_of_a_cart_is_good_for_nobody_who_knows_better,
        what_was_changed_in_redis_is_not_believed,
    ]
}

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(150);

async fn a_change_that_redis_missed_reaches_it_later(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let pushed = till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    read(&till.api, "p1", Some(pushed.stamp)).await;
    wait_for(&till.api, "p1", &json!({ "n": 1 })).await;
    // It is there, and does not hear of the next one.
    shop.world.redis.front().faults().begin(Fault::Refuse);
    till.push(&[product("p1", &json!({ "n": 2 }))]).await;
    // Nothing is read from it meanwhile.
    wait_for(&till.api, "p1", &json!({ "n": 2 })).await;
    shop.world.redis.front().faults().lift();
    // It may answer with what it had until the stream's next try tells it, which is moments, and not the half hour that
    // the copy would have lived.
    let until = Instant::now() + PATIENCE;
    loop {
        let found = read(&till.api, "p1", None).await;
        if (data(&found), found.header("tillsync-cache")) == (json!({ "n": 2 }), Some("fresh")) {
            return;
        }
        assert!(Instant::now() < until, "{}", found.body);
        sleep(PAUSE).await;
    }
}

async fn a_cart_that_redis_missed_reaches_it_later(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    put(&till.api, "c1", &json!({ "data": { "n": 1 } })).await.ok::<PutCartResponse>().unwrap();
    shop.world.redis.front().faults().begin(Fault::Refuse);
    put(&till.api, "c1", &json!({ "data": { "n": 2 } })).await.ok::<PutCartResponse>().unwrap();
    assert_eq!(holds(&get(&till.api, "c1").await), json!({ "n": 2 }));
    shop.world.redis.front().faults().lift();
    let until = Instant::now() + PATIENCE;
    loop {
        let found = get(&till.api, "c1").await;
        if (holds(&found), found.header("tillsync-cache")) == (json!({ "n": 2 }), Some("fresh")) {
            return;
        }
        assert!(Instant::now() < until, "{}", found.body);
        sleep(PAUSE).await;
    }
}

/// Redis has an older state of a cart than DynamoDB, as for a moment while two write at once.
async fn an_older_copy_of_a_cart_is_good_for_nobody_who_knows_better(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    // Nobody mends it.
    quiet(shop).await;
    let key = format!("tillsync:{}:cart:1:c1", shop.client);
    let copy = async || shop.world.redis_says(&["GET", &key]).await.as_str().map(str::to_owned);
    let restore = async |copy: &str| drop(shop.world.redis_says(&["SET", &key, copy, "EX", "100"]).await);
    let write =
        async |n: u64| put(&api, "c1", &json!({ "data": { "n": n } })).await.ok::<PutCartResponse>().unwrap();
    write(1).await;
    let first = copy().await.unwrap();
    assert_eq!(delete(&api, "c1").await.status, 204);
    let removed = copy().await.unwrap();
    let second = write(2).await.stamp;
    restore(&first).await;
    assert_eq!(holds(&get(&api, "c1").await), json!({ "n": 1 }));
    let found = get_since(&api, "c1", second).await;
    assert_eq!((holds(&found), found.header("tillsync-cache")), (json!({ "n": 2 }), Some("loaded")));
    // Whoever knew better has mended it.
    assert_eq!(holds(&get(&api, "c1").await), json!({ "n": 2 }));
    assert_eq!(api.get("/api/carts/c1?min=x").await.unwrap().code().as_deref(), Some("bad_min"));
    // Whoever removes it removes what is there, whatever the cache says.
    restore(&removed).await;
    assert_eq!(get(&api, "c1").await.status, 404);
    assert_eq!(delete(&api, "c1").await.status, 204);
    assert_eq!(get_since(&api, "c1", second.plus(1)).await.status, 404);
    shop.world.stream.resume();
}

/// What was changed in Redis, or put elsewhere, is a miss: the truth is in DynamoDB.
async fn what_was_changed_in_redis_is_not_believed(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    put(&till.api, "c1", &json!({ "data": { "secret": "of a customer" } }))
        .await
        .ok::<PutCartResponse>()
        .unwrap();
    let key = |id: &str| format!("tillsync:{}:cart:1:{id}", shop.client);
    let stored = shop.world.redis_says(&["GET", &key("c1")]).await;
    let stored = stored.as_str().unwrap();
    assert!(stored.starts_with("s1.local.") && !stored.contains("secret"), "{stored}");
    let (begin, end) = stored.split_at(stored.len() / 2);
    let changed = format!("{begin}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    shop.world.redis_says(&["SET", &key("c1"), &changed, "EX", "100"]).await;
    assert_eq!(holds(&get(&till.api, "c1").await), json!({ "secret": "of a customer" }));
    // Nor does it open under another name.
    put(&till.api, "c2", &json!({ "data": { "mine": 1 } })).await.ok::<PutCartResponse>().unwrap();
    shop.world.redis_says(&["SET", &key("c2"), stored, "EX", "100"]).await;
    assert_eq!(holds(&get(&till.api, "c2").await), json!({ "mine": 1 }));
}
