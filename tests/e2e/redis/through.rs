//! Write-through: a resolved conflict is in the cache at once, even while the streams are paused.

use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};

use super::pause_streams;
use crate::records::{data, read};
use crate::replies::{is_fresh, source};
use crate::shop::{Shop, product};
use crate::sync::resolve::{accept_client, send};

trials! {
    exclusive:
    the_next_read_returns_a_resolved_conflict_from_the_cache,
}

async fn the_next_read_returns_a_resolved_conflict_from_the_cache(shop: &'static Shop) {
    let (till, other) = (shop.till("till-1").await, shop.till("till-2").await);
    pause_streams(shop).await;
    let pushed = till.push(&[product("p1", &json!({ "price": 1 }))]).await;
    assert_eq!(data(&read(&other.api, "p1", Some(pushed.stamp)).await), json!({ "price": 1 }));
    till.push(&[product("p1", &json!({ "price": 2 }))]).await;
    assert_eq!(data(&read(&other.api, "p1", None).await), json!({ "price": 1 }), "the cached version");
    let reply = send(&till.api, &accept_client("till-1", &json!({ "price": 3 }))).await;
    let resolved: ResolveResponse = reply.ok().unwrap();
    let cached = read(&other.api, "p1", None).await;
    assert_eq!((data(&cached), is_fresh(&cached)), (json!({ "price": 3 }), true));
    assert_eq!(cached.cost().requests, 0);
    // The cached body equals the one that is loaded from DynamoDB.
    let key = format!("tillsync:{}:record:1:products:p1", shop.client);
    assert_eq!(shop.world.redis_command(&["DEL", &key]).await, json!(1));
    let loaded = read(&other.api, "p1", None).await;
    assert_eq!((&loaded.body, source(&loaded)), (&cached.body, Some("loaded")));
    let record: Value = cached.ok().unwrap();
    assert_eq!((&record["version"], &record["stamp"]), (&json!(3), &json!(resolved.stamp.0)));
}
