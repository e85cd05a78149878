//! Written through: what was settled is there at once, for whoever asks, whatever the stream is about.

use libtest_mimic::Trial;
use protocol::wire::resolve::ResolveResponse;
use serde_json::{Value, json};

use super::counts::quiet;
use crate::records::{data, read};
use crate::shop::{Shop, product};

pub(super) fn trials() -> Vec<Trial> {
    frail_trials![a_settled_conflict_is_what_others_read_next,]
}

async fn a_settled_conflict_is_what_others_read_next(shop: &'static Shop) {
    let (till, other) = (shop.till("till-1").await, shop.till("till-2").await);
    // Nobody tells the cache of what is pushed now.
    quiet(shop).await;
    let pushed = till.push(&[product("p1", &json!({ "price": 1 }))]).await;
    assert_eq!(data(&read(&other.api, "p1", Some(pushed.stamp)).await), json!({ "price": 1 }));
    till.push(&[product("p1", &json!({ "price": 2 }))]).await;
    assert_eq!(data(&read(&other.api, "p1", None).await), json!({ "price": 1 }), "as it was cached");
    let body = json!({ "device_id": "till-1", "table_name": "products", "record_id": "p1",
        "resolution": "accept_client", "client_data": { "price": 3 } });
    let reply = till.api.post("/api/sync/resolve-conflict", body.to_string()).await.unwrap();
    let settled: ResolveResponse = reply.ok().unwrap();
    let found = read(&other.api, "p1", None).await;
    assert_eq!((data(&found), found.header("tillsync-cache")), (json!({ "price": 3 }), Some("fresh")));
    assert_eq!(found.cost().requests, 0);
    // To the letter what the source would have said.
    let copy = format!("tillsync:{}:record:1:products:p1", shop.client);
    assert_eq!(shop.world.redis_says(&["DEL", &copy]).await, json!(1));
    let loaded = read(&other.api, "p1", None).await;
    assert_eq!((&loaded.body, loaded.header("tillsync-cache")), (&found.body, Some("loaded")));
    let record: Value = found.ok().unwrap();
    assert_eq!((&record["version"], &record["stamp"]), (&json!(3), &json!(settled.stamp.0)));
    shop.world.stream.resume();
}
