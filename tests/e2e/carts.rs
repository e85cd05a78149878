//! Carts: kept before they are answered, read from the cache, folded behind.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use libtest_mimic::Trial;
use protocol::limits::RECORD_BYTES_MAX;
use protocol::stamp::Stamp;
use protocol::wire::carts::{CartResponse, PutCartResponse};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tokio::time::{Instant, sleep};

use crate::shop::Shop;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        what_is_put_is_got_by_every_till_of_the_branch,
        a_cart_is_of_one_branch_of_one_client,
        a_removed_cart_stays_removed,
        a_change_comes_after_the_one_that_was_seen,
        of_changes_at_once_one_stays_everywhere,
        what_is_pending_is_folded,
        numbers_keep_their_text,
        what_is_no_cart_is_refused,
    ]
}

const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(25);

pub(crate) async fn put(api: &Api, id: &str, body: &Value) -> Reply {
    let request = api.request(Method::PUT, &format!("/api/carts/{id}"));
    api.send(request.header("content-type", "application/json").body(body.to_string())).await.unwrap()
}

pub(crate) async fn get(api: &Api, id: &str) -> Reply {
    api.get(&format!("/api/carts/{id}")).await.unwrap()
}

/// The cart as of `stamp` at least: without it a reader may see what was before, while two write at once.
pub(crate) async fn get_since(api: &Api, id: &str, stamp: Stamp) -> Reply {
    api.get(&format!("/api/carts/{id}?min={}", stamp.0)).await.unwrap()
}

/// Waits until there is no cart any more.
async fn gone(api: &Api, id: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let reply = get(api, id).await;
        if reply.status == 404 {
            return;
        }
        assert!(Instant::now() < until, "{}", reply.body);
        sleep(PAUSE).await;
    }
}

pub(crate) async fn delete(api: &Api, id: &str) -> Reply {
    api.send(api.request(Method::DELETE, &format!("/api/carts/{id}"))).await.unwrap()
}

pub(crate) fn holds(reply: &Reply) -> Value {
    serde_json::from_str(reply.ok::<CartResponse>().unwrap().data.as_str()).unwrap()
}

async fn what_is_put_is_got_by_every_till_of_the_branch(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await.api, shop.till("till-2").await.api);
    assert_eq!(get(&a, "c1").await.code().as_deref(), Some("cart_not_found"));
    let mut last = Stamp::ZERO;
    for n in [1, 2, 3] {
        let written: PutCartResponse = put(&a, "c1", &json!({ "data": { "n": n } })).await.ok().unwrap();
        last = written.stamp;
        let reply = get_since(&b, "c1", last).await;
        assert_eq!((holds(&reply), reply.ok::<CartResponse>().unwrap().stamp), (json!({ "n": n }), last));
    }
    wait_until_folded(shop, "c1", last).await;
    let until = Instant::now() + PATIENCE;
    loop {
        let reply = get(&b, "c1").await;
        if (holds(&reply), reply.header("tillsync-cache")) == (json!({ "n": 3 }), Some("fresh")) {
            // Out of the cache it costs nothing.
            assert_eq!(reply.cost().requests, 0);
            return;
        }
        assert!(Instant::now() < until, "{}", reply.body);
        sleep(PAUSE).await;
    }
}

async fn a_cart_is_of_one_branch_of_one_client(shop: &'static Shop) {
    let mine = shop.till("till-1").await.api;
    let other = shop.till_of("till-2", "2").await.api;
    put(&mine, "c1", &json!({ "data": { "secret": 1 } })).await.ok::<PutCartResponse>().unwrap();
    assert_eq!(get(&other, "c1").await.status, 404);
    put(&other, "c1", &json!({ "data": { "other": 1 } })).await.ok::<PutCartResponse>().unwrap();
    assert_eq!(holds(&get(&mine, "c1").await), json!({ "secret": 1 }));
    let boss = shop.head_office().await;
    assert_eq!(get(&boss, "c1").await.code().as_deref(), Some("branch_required"));
    assert_eq!(holds(&boss.get("/api/carts/c1?branch_id=2").await.unwrap()), json!({ "other": 1 }));
    assert_eq!(
        mine.get("/api/carts/c1?branch_id=2").await.unwrap().code().as_deref(),
        Some("branch_forbidden")
    );
}

async fn a_removed_cart_stays_removed(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    put(&api, "c1", &json!({ "data": {} })).await.ok::<PutCartResponse>().unwrap();
    for _ in 0..2 {
        assert_eq!(delete(&api, "c1").await.status, 204);
        gone(&api, "c1").await;
    }
    assert_eq!(delete(&api, "never there").await.status, 404);
    assert_eq!(delete(&api, "never-there").await.status, 204);
    let again: PutCartResponse = put(&api, "c1", &json!({ "data": { "again": true } })).await.ok().unwrap();
    assert_eq!(holds(&get_since(&api, "c1", again.stamp).await), json!({ "again": true }));
}

async fn a_change_comes_after_the_one_that_was_seen(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let first: PutCartResponse = put(&api, "c1", &json!({ "data": { "n": 1 } })).await.ok().unwrap();
    // A minute ahead of this server's clock, as another server's may be.
    let seen = first.stamp.plus(60_000_000);
    let body = json!({ "data": { "n": 2 }, "after_stamp": seen });
    let second: PutCartResponse = put(&api, "c1", &body).await.ok().unwrap();
    assert!(second.stamp > seen);
    let body = json!({ "data": { "n": 3 }, "after_stamp": second.stamp });
    let third: PutCartResponse = put(&api, "c1", &body).await.ok().unwrap();
    assert_eq!(third.stamp, second.stamp.plus(1));
    assert_eq!(delete(&api, "c1").await.status, 204);
    gone(&api, "c1").await;
}

async fn of_changes_at_once_one_stays_everywhere(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let write = async |n: usize| {
        let written: PutCartResponse = put(&api, "c1", &json!({ "data": { "n": n } })).await.ok().unwrap();
        (written.stamp, n)
    };
    let mut written: Vec<(Stamp, usize)> = futures_util::future::join_all((0..24).map(write)).await;
    written.sort();
    let (last, n) = *written.last().unwrap();
    let stamps: std::collections::BTreeSet<_> = written.iter().map(|(stamp, _)| *stamp).collect();
    assert_eq!(stamps.len(), written.len(), "two changes have one stamp");
    let reply = get_since(&api, "c1", last).await;
    assert_eq!((reply.ok::<CartResponse>().unwrap().stamp, holds(&reply)), (last, json!({ "n": n })));
    wait_until_folded(shop, "c1", last).await;
}

/// The items of a cart: their sort keys, and their stamps.
async fn items(shop: &Shop, id: &str) -> Vec<(String, u64)> {
    let query = shop.world.dynamo.query().table_name(&shop.world.carts_table).consistent_read(true);
    let pk = format!("CART#{}#1#{id}", shop.client);
    let query = query.key_condition_expression("pk = :pk");
    let page = query.expression_attribute_values(":pk", AttributeValue::S(pk)).send().await.unwrap();
    let item = |item: &std::collections::HashMap<String, AttributeValue>| {
        (item["sk"].as_s().unwrap().clone(), item["stamp"].as_n().unwrap().parse().unwrap())
    };
    page.items().iter().map(item).collect()
}

async fn wait_until_folded(shop: &Shop, id: &str, stamp: Stamp) {
    let until = Instant::now() + PATIENCE;
    loop {
        let items = items(shop, id).await;
        if items == [("FOLDED".to_owned(), stamp.0)] {
            return;
        }
        assert!(Instant::now() < until, "{items:?}");
        sleep(PAUSE).await;
    }
}

async fn what_is_pending_is_folded(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let mut last = Stamp::ZERO;
    for n in 0..5 {
        last = put(&api, "c1", &json!({ "data": { "n": n } })).await.ok::<PutCartResponse>().unwrap().stamp;
    }
    wait_until_folded(shop, "c1", last).await;
    assert_eq!(holds(&get_since(&api, "c1", last).await), json!({ "n": 4 }));
    assert_eq!(delete(&api, "c1").await.status, 204);
    let stamp = Stamp(items(shop, "c1").await.into_iter().map(|(_, stamp)| stamp).max().unwrap());
    wait_until_folded(shop, "c1", stamp).await;
    gone(&api, "c1").await;
}

async fn numbers_keep_their_text(shop: &'static Shop) {
    let api = shop.till("till-1").await.api;
    let text = r#"{"price":1.10,"id":9007199254740993,"name":"Café \u0000 ☕"}"#;
    let request = api.request(Method::PUT, "/api/carts/c1").body(format!(r#"{{"data":{text}}}"#));
    api.send(request).await.unwrap().ok::<PutCartResponse>().unwrap();
    assert_eq!(get(&api, "c1").await.ok::<CartResponse>().unwrap().data.as_str(), text);
}

async fn what_is_no_cart_is_refused(shop: &'static Shop) {
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
    assert_eq!(put(&api, &"x".repeat(65), &json!({ "data": {} })).await.status, 400);
    assert_eq!(
        put(&shop.stranger(), "c1", &json!({ "data": {} })).await.code().as_deref(),
        Some("token_missing")
    );
}
