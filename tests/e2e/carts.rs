//! `/api/carts`: a write is durable before its response, reads come from the cache, the stream compacts.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::limits::RECORD_BYTES_MAX;
use protocol::stamp::Stamp;
use protocol::wire::carts::{CartResponse, PutCartResponse};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::wait::poll;

use crate::invariants;
use crate::replies::is_fresh;
use crate::shop::Shop;
use crate::stored::Stored;
use crate::world::PATIENCE;

trials! {
    shared:
    every_till_of_the_branch_reads_the_cart,
    a_cart_belongs_to_one_branch_of_one_tenant,
    a_deleted_cart_stays_deleted,
    a_write_gets_a_stamp_after_the_one_it_has_seen,
    concurrent_writes_leave_the_one_with_the_latest_stamp,
    pending_writes_are_compacted,
    damaged_items_of_a_cart_are_passed_over,
    numbers_keep_their_text,
    bad_carts_are_refused,
}

pub(crate) async fn put(api: &Api, id: &str, body: &Value) -> Reply {
    let request = api.request(Method::PUT, &format!("/api/carts/{id}"));
    api.send(request.header("content-type", "application/json").body(body.to_string())).await.unwrap()
}

/// Stores a cart. Returns the stamp of the write.
pub(crate) async fn put_data(api: &Api, id: &str, data: &Value) -> Stamp {
    put(api, id, &json!({ "data": data })).await.ok::<PutCartResponse>().unwrap().stamp
}

pub(crate) async fn get(api: &Api, id: &str) -> Reply {
    api.get(&format!("/api/carts/{id}")).await.unwrap()
}

/// Reads the cart as of `stamp` or later. Without `min`, a reader may see an older state for a moment.
pub(crate) async fn get_since(api: &Api, id: &str, stamp: Stamp) -> Reply {
    api.get(&format!("/api/carts/{id}?min={}", stamp.0)).await.unwrap()
}

pub(crate) async fn delete(api: &Api, id: &str) -> Reply {
    api.send(api.request(Method::DELETE, &format!("/api/carts/{id}"))).await.unwrap()
}

pub(crate) fn cart_data(reply: &Reply) -> Value {
    serde_json::from_str(reply.ok::<CartResponse>().unwrap().data.as_str()).unwrap()
}

/// Waits until the cache has the cart with this data. Returns that reply.
pub(crate) async fn wait_until_cached(api: &Api, id: &str, data: &Value, within: Duration) -> Reply {
    let is_cached = |reply: &Reply| cart_data(reply) == *data && is_fresh(reply);
    poll(within, async || get(api, id).await, is_cached).await.unwrap()
}

async fn wait_until_deleted(api: &Api, id: &str) {
    poll(PATIENCE, async || get(api, id).await, |reply| reply.status == 404).await.unwrap();
}

/// The sort keys and stamps of a cart's items.
async fn items(shop: &Shop, id: &str) -> Vec<(String, u64)> {
    let query = shop.world.dynamo.query().table_name(&shop.world.carts_table).consistent_read(true);
    let pk = format!("CART#{}#1#{id}", shop.client);
    let query = query.key_condition_expression("pk = :pk");
    let page = query.expression_attribute_values(":pk", AttributeValue::S(pk)).send().await.unwrap();
    let item = |item: &HashMap<String, AttributeValue>| {
        (item["sk"].as_s().unwrap().clone(), item["stamp"].as_n().unwrap().parse().unwrap())
    };
    page.items().iter().map(item).collect()
}

/// Waits until the cart is one compacted item with this stamp.
async fn wait_until_compacted(shop: &Shop, id: &str, stamp: Stamp) {
    let expected = [("FOLDED".to_owned(), stamp.0)];
    poll(PATIENCE, async || items(shop, id).await, |items| *items == expected).await.unwrap();
}

async fn every_till_of_the_branch_reads_the_cart(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await.api, shop.till("till-2").await.api);
    assert_eq!(get(&a, "c1").await.code().as_deref(), Some("cart_not_found"));
    let mut last = Stamp::ZERO;
    for n in [1, 2, 3] {
        last = put_data(&a, "c1", &json!({ "n": n })).await;
        let reply = get_since(&b, "c1", last).await;
        assert_eq!((cart_data(&reply), reply.ok::<CartResponse>().unwrap().stamp), (json!({ "n": n }), last));
    }
    wait_until_compacted(shop, "c1", last).await;
    // A cache hit sends nothing to DynamoDB.
    assert_eq!(wait_until_cached(&b, "c1", &json!({ "n": 3 }), PATIENCE).await.cost().requests, 0);
}

async fn a_cart_belongs_to_one_branch_of_one_tenant(shop: &'static Shop) {
    let mine = shop.till("till-1").await.api;
    let other = shop.till_of("till-2", "2").await.api;
    put_data(&mine, "c1", &json!({ "secret": 1 })).await;
    assert_eq!(get(&other, "c1").await.status, 404);
    put_data(&other, "c1", &json!({ "other": 1 })).await;
    assert_eq!(cart_data(&get(&mine, "c1").await), json!({ "secret": 1 }));
    let head_office = shop.head_office().await;
    assert_eq!(get(&head_office, "c1").await.code().as_deref(), Some("branch_required"));
    let named = "/api/carts/c1?branch_id=2";
    assert_eq!(cart_data(&head_office.get(named).await.unwrap()), json!({ "other": 1 }));
    assert_eq!(mine.get(named).await.unwrap().code().as_deref(), Some("branch_forbidden"));
    assert_eq!(cart_data(&other.get(named).await.unwrap()), json!({ "other": 1 }));
}

async fn a_deleted_cart_stays_deleted(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    put_data(&api, "c1", &json!({})).await;
    for _ in 0..2 {
        assert_eq!(delete(&api, "c1").await.status, 204);
        wait_until_deleted(&api, "c1").await;
    }
    assert_eq!(delete(&api, "never there").await.status, 404);
    assert_eq!(delete(&api, "never-there").await.status, 204);
    let stamp = put_data(&api, "c1", &json!({ "again": true })).await;
    assert_eq!(cart_data(&get_since(&api, "c1", stamp).await), json!({ "again": true }));
}

async fn a_write_gets_a_stamp_after_the_one_it_has_seen(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let first = put_data(&api, "c1", &json!({ "n": 1 })).await;
    // A minute ahead of this server's clock, as another server's stamp may be.
    let seen = first.plus(60_000_000);
    let body = json!({ "data": { "n": 2 }, "after_stamp": seen });
    let second: PutCartResponse = put(&api, "c1", &body).await.ok().unwrap();
    assert!(second.stamp > seen);
    let body = json!({ "data": { "n": 3 }, "after_stamp": second.stamp });
    let third: PutCartResponse = put(&api, "c1", &body).await.ok().unwrap();
    assert_eq!(third.stamp, second.stamp.plus(1));
    assert_eq!(delete(&api, "c1").await.status, 204);
    wait_until_deleted(&api, "c1").await;
}

async fn concurrent_writes_leave_the_one_with_the_latest_stamp(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let write = async |n: usize| (put_data(&api, "c1", &json!({ "n": n })).await, n);
    let mut written: Vec<(Stamp, usize)> = futures_util::future::join_all((0..24).map(write)).await;
    written.sort();
    let (last, n) = *written.last().unwrap();
    let stamps: BTreeSet<_> = written.iter().map(|(stamp, _)| *stamp).collect();
    assert_eq!(stamps.len(), written.len(), "two writes have the same stamp");
    let reply = get_since(&api, "c1", last).await;
    assert_eq!((reply.ok::<CartResponse>().unwrap().stamp, cart_data(&reply)), (last, json!({ "n": n })));
    wait_until_compacted(shop, "c1", last).await;
}

async fn pending_writes_are_compacted(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let mut last = Stamp::ZERO;
    for n in 0..5 {
        last = put_data(&api, "c1", &json!({ "n": n })).await;
    }
    wait_until_compacted(shop, "c1", last).await;
    assert_eq!(cart_data(&get_since(&api, "c1", last).await), json!({ "n": 4 }));
    assert_eq!(delete(&api, "c1").await.status, 204);
    let stamp = Stamp(items(shop, "c1").await.into_iter().map(|(_, stamp)| stamp).max().unwrap());
    wait_until_compacted(shop, "c1", stamp).await;
    wait_until_deleted(&api, "c1").await;
}

async fn numbers_keep_their_text(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let text = r#"{"price":1.10,"id":9007199254740993,"name":"Café \u0000 ☕"}"#;
    let request = api.request(Method::PUT, "/api/carts/c1").body(format!(r#"{{"data":{text}}}"#));
    api.send(request).await.unwrap().ok::<PutCartResponse>().unwrap();
    assert_eq!(get(&api, "c1").await.ok::<CartResponse>().unwrap().data.as_str(), text);
}

async fn bad_carts_are_refused(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let code = async |body: &Value| {
        let reply = put(&api, "c1", body).await;
        (reply.status.as_u16(), reply.code().unwrap_or_default())
    };
    for body in [json!({}), json!({ "data": null }), json!({ "data": [] }), json!([])] {
        assert_eq!(code(&body).await, (400, "bad_request".into()), "{body}");
    }
    let sized = |bytes: usize| json!({ "data": { "x": "y".repeat(bytes - r#"{"x":""}"#.len()) } });
    assert_eq!(put(&api, "c1", &sized(RECORD_BYTES_MAX)).await.status, 200);
    assert_eq!(code(&sized(RECORD_BYTES_MAX + 1)).await, (413, "body_too_large".into()));
    let far = json!({ "data": {}, "after_stamp": 9_007_199_254_740_990_u64 });
    assert_eq!(code(&far).await, (400, "bad_request".into()));
    let empty = json!({ "data": {} });
    assert_eq!(put(&api, &"x".repeat(65), &empty).await.status, 400);
    assert_eq!(put(&shop.anonymous(), "c1", &empty).await.code().as_deref(), Some("token_missing"));
}

/// A damaged cart is replaced by the next change, which has the whole content; a damaged change is left out.
async fn damaged_items_of_a_cart_are_passed_over(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    put_data(&till.api, "c-1", &json!({ "n": 1 })).await;
    let pk = functions::carts::keys::cart(&shop.room("1"), &"c-1".parse().unwrap());
    let items = async || {
        let items = invariants::partition(&shop.world.dynamo, &shop.world.carts_table, pk.clone()).await;
        items.iter().map(|item| item["sk"].as_s().unwrap().clone()).collect::<Vec<_>>()
    };
    let compacted = functions::carts::keys::COMPACTED;
    let is_compacted = |items: &Vec<String>| *items == [compacted];
    poll(PATIENCE, items, is_compacted).await.unwrap();
    let cart = Stored::of(shop, &shop.world.carts_table, pk.clone(), compacted).await;
    for attribute in ["data", "stamp"] {
        cart.damage(attribute).await;
        // `min` asks for more than the cache has, so that the table is read.
        let stamp = put_data(&till.api, "c-1", &json!({ "n": attribute })).await;
        assert_eq!(cart_data(&get_since(&till.api, "c-1", stamp).await), json!({ "n": attribute }));
        poll(PATIENCE, items, is_compacted).await.unwrap();
        let data = async || cart.now("data").await;
        let expected = AttributeValue::S(json!({ "n": attribute }).to_string());
        poll(PATIENCE, data, |data| data.as_ref() == Some(&expected)).await.unwrap();
    }
    let change = functions::carts::keys::change(Stamp(7));
    let item = [("pk", pk.as_str()), ("sk", change.as_str()), ("stamp", "soon")];
    let item = item.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
    let request = shop.world.dynamo.put_item().table_name(&shop.world.carts_table);
    request.set_item(Some(HashMap::from(item))).send().await.unwrap();
    let stamp = put_data(&till.api, "c-1", &json!({ "n": 3 })).await;
    assert_eq!(cart_data(&get_since(&till.api, "c-1", stamp).await), json!({ "n": 3 }));
    poll(PATIENCE, items, |items| *items == [compacted, change.as_str()]).await.unwrap();
}
