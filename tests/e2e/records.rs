//! Records, one or several, by way of the cache.

mod batch_get;

use std::time::Duration;

use libtest_mimic::Trial;
use protocol::role::Role;
use protocol::stamp::{Stamp, cursor};
use protocol::wire::record::RecordResponse;
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tokio::time::{Instant, sleep};

use crate::shop::{Shop, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![
        a_record_is_read_once_and_then_found,
        a_change_is_seen_at_once_with_min_and_in_moments_without,
        a_deleted_record_is_gone_and_an_unknown_one_too,
        a_branch_reads_its_own,
        a_role_reads_what_it_may,
        ids_are_any_text,
        what_cannot_be_read_is_refused,
        figures_are_as_new_as_min_asks,
    ];
    trials.extend(batch_get::trials());
    trials
}

const PATIENCE: Duration = Duration::from_secs(20);
/// A user has a hundred requests a minute.
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) async fn read(api: &Api, id: &str, min: Option<Stamp>) -> Reply {
    let min = min.map(|min| format!("?min={}", min.0)).unwrap_or_default();
    api.get(&format!("/api/data/products/{id}{min}")).await.unwrap()
}

pub(crate) fn data(reply: &Reply) -> Value {
    serde_json::from_str(reply.ok::<RecordResponse>().unwrap().data.as_str()).unwrap()
}

/// Reads until the answer is `wanted`.
pub(crate) async fn wait_for(api: &Api, id: &str, wanted: &Value) {
    let until = Instant::now() + PATIENCE;
    loop {
        let reply = read(api, id, None).await;
        let seen = if reply.status == 200 { data(&reply) } else { Value::Null };
        if seen == *wanted {
            return;
        }
        assert!(Instant::now() < until, "still {} {}", reply.status, reply.body);
        sleep(PAUSE).await;
    }
}

async fn a_record_is_read_once_and_then_found(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await, shop.till("till-2").await);
    let pushed = a.push(&[product("p1", &json!({ "name": "Tea", "price": 1 }))]).await;
    let first = read(&a.api, "p1", Some(pushed.stamp)).await;
    assert_eq!(first.header("tillsync-cache"), Some("loaded"));
    assert_eq!(first.cost().requests, 2);
    // The commit itself makes the cache forget, once; after that it is found.
    let until = Instant::now() + PATIENCE;
    while read(&b.api, "p1", Some(pushed.stamp)).await.header("tillsync-cache") != Some("fresh") {
        assert!(Instant::now() < until, "it is never found");
        sleep(PAUSE).await;
    }
    let record: RecordResponse = read(&b.api, "p1", None).await.ok().unwrap();
    assert_eq!((record.version, record.stamp, record.table_name.as_str()), (1, pushed.stamp, "products"));
    assert_eq!(data(&first), json!({ "name": "Tea", "price": 1 }));
}

async fn a_change_is_seen_at_once_with_min_and_in_moments_without(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await, shop.till("till-2").await);
    for n in 1..6 {
        let pushed = a.push(&[product("p1", &json!({ "n": n }))]).await;
        // Whoever pushed says what it has seen.
        assert_eq!(data(&read(&a.api, "p1", Some(pushed.stamp)).await), json!({ "n": n }));
        let text = cursor(pushed.stamp);
        let by_cursor = a.api.get(&format!("/api/data/products/p1?min={text}")).await.unwrap();
        assert_eq!(data(&by_cursor), json!({ "n": n }));
        wait_for(&b.api, "p1", &json!({ "n": n })).await;
    }
}

async fn a_deleted_record_is_gone_and_an_unknown_one_too(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    assert_eq!(read(&till.api, "p1", None).await.code().as_deref(), Some("record_not_found"));
    // That there is none is remembered too, until there is one.
    till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    wait_for(&till.api, "p1", &json!({ "n": 1 })).await;
    let pushed = till.push(&[with(product("p1", &json!({ "n": 1 })), "is_deleted", true)]).await;
    assert_eq!(read(&till.api, "p1", Some(pushed.stamp)).await.status, 404);
    wait_for(&till.api, "p1", &Value::Null).await;
}

async fn a_branch_reads_its_own(shop: &'static Shop) {
    let (mine, other) = (shop.till("till-1").await, shop.till_of("till-2", "2").await);
    let pushed = mine.push(&[product("p1", &json!({ "mine": 1 }))]).await;
    assert_eq!(read(&mine.api, "p1", Some(pushed.stamp)).await.status, 200);
    assert_eq!(read(&other.api, "p1", None).await.status, 404);
    let boss = shop.head_office().await;
    let path = format!("/api/data/products/p1?branch_id=1&min={}", pushed.stamp.0);
    assert_eq!(data(&boss.get(&path).await.unwrap()), json!({ "mine": 1 }));
    assert_eq!(other.api.get("/api/data/products/p1?branch_id=1").await.unwrap().status, 403);
}

async fn a_role_reads_what_it_may(shop: &'static Shop) {
    let cashier = shop.till("till-1").await;
    let login = shop.user("manager", Role::Manager, Some("1")).await;
    let (manager, _) = shop.stranger().login(&login).await.unwrap();
    let advance = with(product("a1", &json!({ "amount": 5 })), "table_name", "employee_advances");
    let body = json!({ "device_id": "desk", "records": [advance] }).to_string();
    manager.post("/api/sync/batch-push", body).await.unwrap();
    let read = async |api: &Api| api.get("/api/data/employee_advances/a1").await.unwrap();
    // The copy that the manager's read has left is not the cashier's to see.
    assert_eq!(read(&manager).await.status, 200);
    assert_eq!(read(&cashier.api).await.code().as_deref(), Some("table_forbidden"));
}

async fn ids_are_any_text(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let names = [("a b", "a%20b"), ("Käse/1", "K%C3%A4se%2F1"), ("a%20b", "a%2520b"), ("x#?y", "x%23%3Fy")];
    let records: Vec<Value> = names.iter().map(|(id, _)| product(id, &json!({ "is": id }))).collect();
    let pushed = till.push(&records).await;
    assert_eq!(pushed.applied.len(), names.len());
    for (id, path) in names {
        let reply = read(&till.api, path, Some(pushed.stamp)).await;
        assert_eq!(reply.ok::<RecordResponse>().unwrap().record_id, id);
        assert_eq!(data(&reply), json!({ "is": id }));
    }
}

async fn what_cannot_be_read_is_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // Some of these are no address at all, of which no document says what they answer.
    let api = till.api.unchecked();
    let code = async |path: &str| api.get(path).await.unwrap().code().unwrap_or_default();
    assert_eq!(code("/api/data/parrots/p1").await, "unknown_table");
    assert_eq!(code("/api/data/products/p1?min=yesterday").await, "bad_min");
    assert_eq!(code("/api/data/products/p1?min=9007199254740990").await, "reset_required");
    assert_eq!(code("/api/data/products/%00").await, "not_found");
    assert_eq!(code("/api/data/products").await, "not_found");
    assert_eq!(code("/api/data/products/a/b").await, "not_found");
    assert_eq!(code(&format!("/api/data/products/{}", "x".repeat(256))).await, "not_found");
}

async fn figures_are_as_new_as_min_asks(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for n in 1..4_u64 {
        let pushed = till.push(&[product(&format!("p{n}"), &json!({ "n": n }))]).await;
        let path = format!("/api/sync/stats?min={}", pushed.stamp.0);
        let stats: StatsResponse = till.api.get(&path).await.unwrap().ok().unwrap();
        let count = stats.tables_stats.iter().find(|table| table.table_name == "products").unwrap();
        assert_eq!(count.record_count, n);
        assert_eq!(stats.last_sync_at, Some(pushed.stamp.time().to_string()));
    }
}
