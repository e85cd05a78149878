//! `GET /api/sync/pull-changes`

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::store::keys;
use libtest_mimic::Trial;
use local::handlers::Route;
use serde_json::{Value, json};
use shared::limits::LOG_RETENTION_SECS;
use shared::micros::Micros;
use shared::protocol::TOKEN_HEADER;
use shared::protocol::pull::PullAnswer;
use shared::stamp::{Stamp, cursor};
use tests::fleet;

use crate::shop::{Shop, Till, product, with};
use crate::world::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pull::the_answer_has_exactly_the_promised_members", shape),
        trial("pull::since_is_exact_and_exclusive_as_stamp_and_as_time", since),
        trial("pull::pages_of_any_size_add_up", pages),
        trial("pull::tables_filter_and_the_position_still_moves", tables),
        trial("pull::an_empty_room_has_a_cursor_too", empty),
        trial("pull::an_expired_log_asks_for_a_reset", expired),
        trial("pull::a_position_of_another_history_asks_for_a_reset", restored),
        trial("pull::only_the_cursor_moves_when_nothing_is_new", nothing_new),
    ]
}

/// Pushes `count` products, each in a batch of its own; their stamps.
async fn sell(till: &Till, count: usize) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for i in 0..count {
        stamps.push(till.push(&[product(&format!("p{i}"), &json!({"n": i}))]).await.stamp);
    }
    stamps
}

async fn page(till: &Till, query: &str) -> PullAnswer {
    till.pull_raw(query).await.ok().unwrap()
}

fn ids(page: &PullAnswer) -> Vec<&str> {
    page.changes.iter().map(|change| change.record_id.as_str()).collect()
}

async fn shape(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    sell(&till, 1).await;
    let body: Value = serde_json::from_str(&till.pull_raw("").await.body).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&body), "changes has_more mode next_cursor stamp");
    assert_eq!(
        names(&body["changes"][0]),
        "branch_id data device_id is_deleted operation record_id server_updated_at stamp table_name version"
    );
    assert_eq!((&body["mode"], &body["changes"][0]["branch_id"]), (&json!("changes"), &json!("1")));
}

async fn since(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stamps = sell(&till, 3).await;
    let middle = stamps[1];
    let by_time = middle.time().to_string();
    for since in [middle.0.to_string(), by_time] {
        assert_eq!(ids(&page(&till, &format!("since={since}")).await), ["p2"]);
    }
    assert_eq!(ids(&page(&till, &format!("since={}", middle.0 - 1)).await), ["p1", "p2"]);
    // A continuation wins over where the caller once began, and a time to come stands at HEAD.
    assert_eq!(ids(&page(&till, &format!("since=0&cursor={}", cursor(middle))).await), ["p2"]);
    let to_come = page(&till, "since=2200-01-01T00:00:00Z").await;
    assert_eq!((to_come.changes.len(), to_come.stamp), (0, stamps[2]));
}

async fn pages(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for size in [1, 7, 50, 1, 1, 30] {
        let records: Vec<Value> =
            (0..size).map(|i| product(&format!("p{size}-{i}"), &json!({"n": i}))).collect();
        till.push(&records).await;
    }
    let whole = till.pull_all(Stamp::ZERO, 1000).await;
    assert!(whole.windows(2).all(|pair| pair[0].stamp < pair[1].stamp));
    for limit in [1, 3, 50, 100] {
        assert_eq!(till.pull_all(Stamp::ZERO, limit).await, whole, "limit {limit}");
    }
    // Two partial pulls equal one, wherever they meet, also inside a batch.
    let part = till.pull_all(whole[20].stamp, 1000).await;
    assert_eq!(part, whole[21..]);
}

async fn tables(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let customer = |id: &str| with(product(id, &json!({})), "table_name", "customers");
    till.push(&[product("p1", &json!({})), customer("c1"), product("p2", &json!({}))]).await;
    let last = till.push(&[product("p3", &json!({}))]).await.stamp;
    let found = page(&till, "tables=customers").await;
    assert_eq!((ids(&found), found.stamp, found.has_more), (vec!["c1"], last, false));
    assert_eq!(page(&till, "tables=customers,products").await.changes.len(), 4);
}

async fn empty(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = page(&till, "").await;
    assert_eq!((first.changes.len(), first.has_more, &*first.next_cursor), (0, false, "v1.0"));
    sell(&till, 1).await;
    assert_eq!(page(&till, &format!("cursor={}", first.next_cursor)).await.changes.len(), 1);
}

/// Deletes the first log item, as its `ttl` does after a week, and asks a week later.
async fn expired(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stamps = sell(&till, 3).await;
    let room = format!("{}:1", shop.client).parse().unwrap();
    let key = [("pk", keys::log(&room)), ("sk", keys::log_item(stamps[0]))];
    let key: HashMap<_, _> = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))).into();
    let (client, table) = (&shop.world.dynamo, &shop.world.table);
    let item =
        client.get_item().table_name(table).set_key(Some(key.clone())).send().await.unwrap().item.unwrap();
    client.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();

    let week_later = fleet::now().plus_secs(LOG_RETENTION_SECS + 1);
    let (status, body) = pull_at(shop, "", week_later).await;
    assert_eq!((status, &body["error"]["code"]), (410, &json!("reset_required")));
    // Today it cannot have expired: whatever hides it is no reason to forget what one holds.
    let (status, body) = pull_at(shop, "", fleet::now()).await;
    assert_eq!((status, &body["error"]["code"]), (503, &json!("unavailable")));
    let (status, body) = pull_at(shop, &format!("since={}", stamps[0].0), week_later).await;
    assert_eq!((status, body["changes"].as_array().unwrap().len()), (200, 2));
    // Put back, so that the room is whole when it is checked.
    client.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
}

/// Calls the function as if it were another time.
async fn pull_at(shop: &Shop, query: &str, now: Micros) -> (u16, Value) {
    let request = lambda_http::http::Request::get(format!("/api/sync/pull-changes?{query}"))
        .header(TOKEN_HEADER, shop.world.token_at(&shop.client, now))
        .body(lambda_http::Body::Empty)
        .unwrap();
    let answer = shop.world.handlers.call(Route::PullChanges, request, now).await;
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
}

async fn restored(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let last = *sell(&till, 1).await.last().unwrap();
    for query in [format!("cursor={}", cursor(last.plus(1))), format!("min={}", last.plus(1).0)] {
        let reply = till.pull_raw(&query).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_deref()),
            (410, Some("reset_required")),
            "{query}"
        );
    }
    assert!(till.pull_raw(&format!("min={}", cursor(last))).await.ok::<PullAnswer>().is_ok());
}

async fn nothing_new(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let last = *sell(&till, 2).await.last().unwrap();
    let answer = page(&till, &format!("cursor={}", cursor(last))).await;
    assert_eq!((answer.changes.len(), answer.has_more, answer.next_cursor), (0, false, cursor(last)));
}
