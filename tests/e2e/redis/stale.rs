//! Redis misses changes and comes back with old data: the old data does not stay, and changed data is not
//! trusted.

use redis_rest::faults::Fault;
use serde_json::json;
use tests::api::Reply;
use tests::wait::poll;

use super::pause_streams;
use crate::carts::{cart_data, delete, get, get_since, put_data, wait_until_cached};
use crate::records::{data, read, wait_for_data};
use crate::replies::{is_fresh, source};
use crate::shop::{Shop, product};
use crate::world::LONG_PATIENCE;

trials! {
    exclusive:
    a_record_change_that_redis_missed_reaches_it_later,
    a_cart_change_that_redis_missed_reaches_it_later,
    a_read_with_min_ignores_an_older_cached_cart,
    changed_cache_values_are_not_trusted,
}

async fn a_record_change_that_redis_missed_reaches_it_later(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let pushed = till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    read(&till.api, "p1", Some(pushed.stamp)).await;
    wait_for_data(&till.api, "p1", &json!({ "n": 1 })).await;
    // Redis has this version and misses the next one.
    shop.world.begin_redis_fault(Fault::Refuse);
    till.push(&[product("p1", &json!({ "n": 2 }))]).await;
    // Without Redis, reads return the new version.
    wait_for_data(&till.api, "p1", &json!({ "n": 2 })).await;
    shop.world.redis_faults().lift();
    // Redis may return the old version until the stream retries, which takes moments; the entry itself would
    // live half an hour.
    let is_current = |reply: &Reply| data(reply) == json!({ "n": 2 }) && is_fresh(reply);
    poll(LONG_PATIENCE, async || read(&till.api, "p1", None).await, is_current).await.unwrap();
}

async fn a_cart_change_that_redis_missed_reaches_it_later(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    put_data(&api, "c1", &json!({ "n": 1 })).await;
    shop.world.begin_redis_fault(Fault::Refuse);
    put_data(&api, "c1", &json!({ "n": 2 })).await;
    assert_eq!(cart_data(&get(&api, "c1").await), json!({ "n": 2 }));
    shop.world.redis_faults().lift();
    wait_until_cached(&api, "c1", &json!({ "n": 2 }), LONG_PATIENCE).await;
}

/// Redis may have an older state of a cart than DynamoDB for a moment, when two requests write at once.
async fn a_read_with_min_ignores_an_older_cached_cart(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    // Otherwise the stream would correct the cached cart.
    pause_streams(shop).await;
    let key = format!("tillsync:{}:cart:1:c1", shop.client);
    let cached = async || shop.world.redis_command(&["GET", &key]).await.as_str().map(str::to_owned);
    let restore =
        async |value: &str| drop(shop.world.redis_command(&["SET", &key, value, "EX", "100"]).await);
    put_data(&api, "c1", &json!({ "n": 1 })).await;
    let first = cached().await.unwrap();
    assert_eq!(delete(&api, "c1").await.status, 204);
    let deleted = cached().await.unwrap();
    let second = put_data(&api, "c1", &json!({ "n": 2 })).await;
    restore(&first).await;
    assert_eq!(cart_data(&get(&api, "c1").await), json!({ "n": 1 }));
    let found = get_since(&api, "c1", second).await;
    assert_eq!((cart_data(&found), source(&found)), (json!({ "n": 2 }), Some("loaded")));
    // That read has corrected the cached cart.
    assert_eq!(cart_data(&get(&api, "c1").await), json!({ "n": 2 }));
    assert_eq!(api.get("/api/carts/c1?min=x").await.unwrap().code().as_deref(), Some("bad_min"));
    // A delete removes the stored cart, although the cache says that there is none.
    restore(&deleted).await;
    assert_eq!(get(&api, "c1").await.status, 404);
    assert_eq!(delete(&api, "c1").await.status, 204);
    assert_eq!(get_since(&api, "c1", second.plus(1)).await.status, 404);
}

/// A value that was changed in Redis or moved to another key is a cache miss.
async fn changed_cache_values_are_not_trusted(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    put_data(&api, "c1", &json!({ "secret": "of a customer" })).await;
    let key = |id: &str| format!("tillsync:{}:cart:1:{id}", shop.client);
    let stored = shop.world.redis_command(&["GET", &key("c1")]).await;
    let stored = stored.as_str().unwrap();
    assert!(stored.starts_with("s1.local.") && !stored.contains("secret"), "{stored}");
    let (begin, end) = stored.split_at(stored.len() / 2);
    let changed = format!("{begin}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    shop.world.redis_command(&["SET", &key("c1"), &changed, "EX", "100"]).await;
    assert_eq!(cart_data(&get(&api, "c1").await), json!({ "secret": "of a customer" }));
    // A value is bound to its key.
    put_data(&api, "c2", &json!({ "mine": 1 })).await;
    shop.world.redis_command(&["SET", &key("c2"), stored, "EX", "100"]).await;
    assert_eq!(cart_data(&get(&api, "c2").await), json!({ "mine": 1 }));
}
