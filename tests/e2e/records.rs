//! `/api/data`: reads of one record or several, through the cache.

mod batch_get;
mod ids;

use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::record::RecordResponse;
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::wait::poll;

use crate::replies::{is_fresh, source};
use crate::shop::{Shop, advance, cursor_of, deletion, product};
use crate::world::PATIENCE;

trials! {
    shared:
    a_record_is_loaded_once_and_then_cached,
    a_read_with_min_sees_a_write_at_once_and_without_min_soon,
    deleted_and_unknown_records_are_not_found,
    a_branch_reads_only_its_own_records,
    a_role_reads_only_its_tables,
    bad_reads_are_refused,
    stats_with_min_include_that_write;
    modules: batch_get, ids
}

/// Reads a product.
pub(crate) async fn read(api: &Api, id: &str, min: Option<Stamp>) -> Reply {
    let min = min.map(|min| format!("?min={}", min.0)).unwrap_or_default();
    api.get(&format!("/api/data/products/{id}{min}")).await.unwrap()
}

pub(crate) fn data(reply: &Reply) -> Value {
    serde_json::from_str(reply.ok::<RecordResponse>().unwrap().data.as_str()).unwrap()
}

/// The names of products, as `batch-get` takes them.
pub(crate) fn names(ids: impl IntoIterator<Item = impl Into<String>>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({ "table_name": "products", "record_id": id.into() })).collect()
}

/// Waits until a read without `min` returns this data; null stands for a record that does not exist.
pub(crate) async fn wait_for_data(api: &Api, id: &str, wanted: &Value) {
    let matches = |reply: &Reply| *wanted == if reply.status == 200 { data(reply) } else { Value::Null };
    poll(PATIENCE, async || read(api, id, None).await, matches).await.unwrap();
}

/// Waits until the cache has the product as of `min`.
pub(crate) async fn wait_until_cached(api: &Api, id: &str, min: Option<Stamp>) {
    poll(PATIENCE, async || read(api, id, min).await, is_fresh).await.unwrap();
}

async fn a_record_is_loaded_once_and_then_cached(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await, shop.till("till-2").await);
    let pushed = a.push(&[product("p1", &json!({ "name": "Tea", "price": 1 }))]).await;
    let first = read(&a.api, "p1", Some(pushed.stamp)).await;
    assert_eq!(source(&first), Some("loaded"));
    assert_eq!(first.cost().requests, 2);
    // The stream invalidates the record once, because of the commit.
    wait_until_cached(&b.api, "p1", Some(pushed.stamp)).await;
    let record: RecordResponse = read(&b.api, "p1", None).await.ok().unwrap();
    assert_eq!((record.version, record.stamp, record.table_name.as_str()), (1, pushed.stamp, "products"));
    assert_eq!(data(&first), json!({ "name": "Tea", "price": 1 }));
}

async fn a_read_with_min_sees_a_write_at_once_and_without_min_soon(shop: &'static Shop) {
    let (a, b) = (shop.till("till-1").await, shop.till("till-2").await);
    for n in 1..6 {
        let pushed = a.push(&[product("p1", &json!({ "n": n }))]).await;
        // The till that pushed reads its own write.
        assert_eq!(data(&read(&a.api, "p1", Some(pushed.stamp)).await), json!({ "n": n }));
        let text = cursor_of(Role::Cashier, pushed.stamp);
        let by_cursor = a.api.get(&format!("/api/data/products/p1?min={text}")).await.unwrap();
        assert_eq!(data(&by_cursor), json!({ "n": n }));
        wait_for_data(&b.api, "p1", &json!({ "n": n })).await;
    }
}

async fn deleted_and_unknown_records_are_not_found(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    assert_eq!(read(&till.api, "p1", None).await.code().as_deref(), Some("record_not_found"));
    // The absence of a record is cached as well.
    till.push(&[product("p1", &json!({ "n": 1 }))]).await;
    wait_for_data(&till.api, "p1", &json!({ "n": 1 })).await;
    let pushed = till.push(&[deletion("p1", 1)]).await;
    assert_eq!(read(&till.api, "p1", Some(pushed.stamp)).await.status, 404);
    wait_for_data(&till.api, "p1", &Value::Null).await;
}

async fn a_branch_reads_only_its_own_records(shop: &'static Shop) {
    let (mine, other) = (shop.till("till-1").await, shop.till_of("till-2", "2").await);
    let pushed = mine.push(&[product("p1", &json!({ "mine": 1 }))]).await;
    assert_eq!(read(&mine.api, "p1", Some(pushed.stamp)).await.status, 200);
    assert_eq!(read(&other.api, "p1", None).await.status, 404);
    let head_office = shop.head_office().await;
    let path = format!("/api/data/products/p1?branch_id=1&min={}", pushed.stamp.0);
    assert_eq!(data(&head_office.get(&path).await.unwrap()), json!({ "mine": 1 }));
    assert_eq!(other.api.get("/api/data/products/p1?branch_id=1").await.unwrap().status, 403);
}

async fn a_role_reads_only_its_tables(shop: &'static Shop) {
    let (cashier, office) = (shop.till("till-1").await, shop.office().await);
    office.push(&[advance("a1")]).await;
    let read = async |api: &Api| api.get("/api/data/employee_advances/a1").await.unwrap();
    // The manager's read caches the record, which must not show it to a cashier.
    assert_eq!(read(&office.api).await.status, 200);
    assert_eq!(read(&cashier.api).await.code().as_deref(), Some("table_forbidden"));
}

async fn bad_reads_are_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // The OpenAPI document does not describe replies to unknown paths.
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

async fn stats_with_min_include_that_write(shop: &'static Shop) {
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
