//! `/api/cache/…`: what a client's admins see of the cache, and do with it; and what a schedule does.

use std::time::Duration;

use cache::limits::{CACHE_BATCH_MAX, CACHE_COMPACT_DAYS_BEFORE};
use libtest_mimic::Trial;
use protocol::limits::READ_RECORDS_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::{DAY_SECS, Timestamp};
use protocol::wire::cache::{CacheReportResponse, CacheStatsResponse, InvalidateResponse, WarmResponse};
use protocol::wire::health::BreakerState;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::fleet;
use tokio::time::{Instant, sleep};

use crate::records::{data, read};
use crate::shop::{Shop, Till, hall, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        what_was_warmed_up_is_found_by_whoever_asks_first,
        a_warm_up_goes_on_page_by_page,
        a_pattern_is_forgotten_and_nothing_else,
        what_was_read_is_counted_and_reported,
        admins_alone_see_it_and_their_own_client_alone,
        bad_requests_are_refused,
        maintenance_leaves_no_key_without_an_end_and_one_sum_of_a_day,
    ]
}

const PATIENCE: Duration = Duration::from_secs(30);
/// A user has a hundred requests a minute.
const PAUSE: Duration = Duration::from_millis(400);

/// An admin of branch 1.
async fn admin(shop: &Shop) -> Api {
    let login = shop.user("admin", Role::Admin, Some("1")).await;
    shop.stranger().login(&login).await.unwrap().0
}

async fn post(api: &Api, path: &str, body: Value) -> Reply {
    api.post(path, body.to_string()).await.unwrap()
}

/// One step of a warm-up, once Redis answers in time.
async fn warm_page(api: &Api, body: Value) -> Reply {
    let until = Instant::now() + PATIENCE;
    loop {
        let reply = post(api, "/api/cache/warm", body.clone()).await;
        if reply.status != 503 {
            return reply;
        }
        assert!(Instant::now() < until, "{}", reply.body);
        sleep(PAUSE).await;
    }
}

/// Warms up a table, from its beginning to its end.
async fn warm_up(api: &Api, table: &str) -> (u64, u64) {
    let (mut looked, mut stored, mut cursor) = (0, 0, None::<String>);
    loop {
        let body = json!({ "table_name": table, "cursor": cursor });
        let page: WarmResponse = warm_page(api, body).await.ok().unwrap();
        looked += page.looked;
        stored += page.stored;
        cursor = page.next_cursor;
        if cursor.is_none() {
            return (looked, stored);
        }
    }
}

/// Warms up a table until it keeps what it has, and then looks at what that is good for; from an empty cache again
/// where the stream came in between with what was pushed before.
async fn settled(api: &Api, table: &str, looks: impl AsyncFn() -> bool) -> u64 {
    let until = Instant::now() + PATIENCE;
    loop {
        let looked = settle(api, table).await;
        if looks().await {
            return looked;
        }
        assert!(Instant::now() < until, "what was warmed up is not found");
        forget(api, json!({})).await;
    }
}

/// Warms up a table until it keeps what it has.
async fn settle(api: &Api, table: &str) -> u64 {
    let until = Instant::now() + PATIENCE;
    loop {
        let (looked, stored) = warm_up(api, table).await;
        if stored == 0 {
            return looked;
        }
        assert!(Instant::now() < until, "{stored} of {looked} are not there");
        sleep(PAUSE).await;
    }
}

async fn push_products(till: &Till, count: usize) -> Stamp {
    let records: Vec<Value> = (0..count).map(|n| product(&format!("p{n:03}"), &json!({ "n": n }))).collect();
    let mut stamp = Stamp::ZERO;
    for records in records.chunks(50) {
        stamp = till.push(records).await.stamp;
    }
    stamp
}

async fn what_was_warmed_up_is_found_by_whoever_asks_first(shop: &'static Shop) {
    let (till, admin) = (shop.till("till-1").await, admin(shop).await);
    push_products(&till, 3).await;
    till.push(&[hall("h1", &json!({}))]).await;
    till.push(&[with(product("p002", &json!({})), "is_deleted", true)]).await;
    let both = async || {
        let (first, second) = (read(&till.api, "p000", None).await, read(&till.api, "p001", None).await);
        assert_eq!((data(&first), data(&second)), (json!({ "n": 0 }), json!({ "n": 1 })));
        let is_fresh = |found: &Reply| found.header("tillsync-cache") == Some("fresh");
        assert!([&first, &second].into_iter().all(|found| !is_fresh(found) || found.cost().requests == 0));
        is_fresh(&first) && is_fresh(&second)
    };
    // Neither the other table's nor the deleted one.
    assert_eq!(settled(&admin, "products", both).await, 2);
    let hall = till.api.get("/api/data/halls/h1").await.unwrap();
    assert_eq!(hall.header("tillsync-cache"), Some("loaded"));
}

async fn a_warm_up_goes_on_page_by_page(shop: &'static Shop) {
    let (till, admin) = (shop.till("till-1").await, admin(shop).await);
    push_products(&till, CACHE_BATCH_MAX + 20).await;
    let body = json!({ "table_name": "products" });
    let reply = warm_page(&admin, body.clone()).await;
    let first: WarmResponse = reply.ok().unwrap();
    assert_eq!(first.looked, CACHE_BATCH_MAX as u64);
    // The names, HEAD and the records.
    assert!(first.stored > 0 && reply.cost().requests == 3, "{first:?}");
    let next = with(body, "cursor", first.next_cursor.unwrap());
    let second: WarmResponse = warm_page(&admin, next).await.ok().unwrap();
    assert_eq!((second.looked, second.next_cursor), (20, None));
    let last = async || read(&till.api, "p119", None).await.header("tillsync-cache") == Some("fresh");
    assert_eq!(settled(&admin, "products", last).await, CACHE_BATCH_MAX as u64 + 20);
    // Nothing was ever in it.
    assert_eq!(warm_up(&admin, "halls").await, (0, 0));
}

async fn forget(api: &Api, body: Value) -> u64 {
    let (mut removed, mut cursor) = (0, None::<String>);
    loop {
        let step = with(body.clone(), "cursor", cursor.take());
        let step: InvalidateResponse = post(api, "/api/cache/invalidate", step).await.ok().unwrap();
        removed += step.removed;
        cursor = step.next_cursor;
        if cursor.is_none() {
            return removed;
        }
    }
}

async fn a_pattern_is_forgotten_and_nothing_else(shop: &'static Shop) {
    let (till, admin_here) = (shop.till("till-1").await, admin(shop).await);
    let other: &'static Shop = Box::leak(Box::new(Shop::new(shop.world)));
    let (neighbour, admin_there) = (other.till("till-1").await, admin(other).await);
    for (till, admin) in [(&till, &admin_here), (&neighbour, &admin_there)] {
        push_products(till, 2).await;
        settle(admin, "products").await;
    }
    let source = async |till: &Till, id: &str| {
        read(&till.api, id, None).await.header("tillsync-cache").unwrap_or_default().to_owned()
    };
    let one = async || {
        // The copy, and the stamp that makes it good.
        let removed = forget(&admin_here, json!({ "kind": "product", "pattern": "1:products:p000" })).await;
        assert_eq!(source(&till, "p000").await, "loaded");
        removed == 2 && source(&till, "p001").await == "fresh"
    };
    settled(&admin_here, "products", one).await;
    let mine_alone = async || {
        assert!(forget(&admin_here, json!({})).await >= 2);
        assert_eq!(source(&till, "p001").await, "loaded");
        source(&neighbour, "p000").await == "fresh"
    };
    settled(&admin_there, "products", mine_alone).await;
    other.close().await;
}

async fn what_was_read_is_counted_and_reported(shop: &'static Shop) {
    let tills = [shop.till("till-1").await, shop.till("till-2").await, shop.till("till-3").await];
    let admin = admin(shop).await;
    push_products(&tills[0], READ_RECORDS_MAX).await;
    settle(&admin, "products").await;
    let names: Vec<Value> = (0..READ_RECORDS_MAX)
        .map(|n| json!({ "table_name": "products", "record_id": format!("p{n:03}") }))
        .collect();
    let until = Instant::now() + PATIENCE;
    let report = loop {
        // The counts of other tests' clients wait to be written before these: enough is read for one of them to be
        // written each time.
        for till in &tills {
            let reply = post(&till.api, "/api/data/batch-get", json!({ "records": names })).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        let report: CacheReportResponse = admin.get("/api/cache/report").await.unwrap().ok().unwrap();
        if report.total.hits > 0 {
            break report;
        }
        assert!(Instant::now() < until, "nothing is ever counted: {report:?}");
        sleep(PAUSE).await;
    };
    let total = report.total;
    assert_eq!(total.requests, total.hits + total.stale + total.memory + total.misses);
    assert!(total.hit_permille > 0 && total.mean_response_micros > 0, "{total:?}");
    let kinds: Vec<&str> = report.kinds.iter().map(|kind| kind.kind.as_str()).collect();
    assert!(kinds.contains(&"product"), "{kinds:?}");
    let redis = report.redis.unwrap();
    assert!(redis.uptime_secs.is_some() && redis.used_memory_bytes.unwrap() > 0, "{redis:?}");
    let stats: CacheStatsResponse = admin.get("/api/cache/stats").await.unwrap().ok().unwrap();
    assert!(stats.breaker == BreakerState::Closed && stats.latency_micros.is_some(), "{stats:?}");
    assert!(stats.total.hits >= total.hits);
    let before: CacheReportResponse =
        admin.get("/api/cache/report?day=2025-12-07").await.unwrap().ok().unwrap();
    assert_eq!((before.day.as_str(), before.total.requests), ("2025-12-07", 0));
}

async fn admins_alone_see_it_and_their_own_client_alone(shop: &'static Shop) {
    let (cashier, boss) = (shop.till("till-1").await.api, shop.head_office().await);
    for path in ["/api/cache/report", "/api/cache/stats"] {
        assert_eq!(cashier.get(path).await.unwrap().code().as_deref(), Some("forbidden_role"), "{path}");
        assert_eq!(boss.get(path).await.unwrap().status, 200, "{path}");
    }
    let warm = json!({ "table_name": "products" });
    for (path, body) in [("/api/cache/invalidate", json!({})), ("/api/cache/warm", warm.clone())] {
        assert_eq!(post(&cashier, path, body).await.code().as_deref(), Some("forbidden_role"), "{path}");
    }
    assert_eq!(post(&boss, "/api/cache/warm", warm.clone()).await.code().as_deref(), Some("branch_required"));
    let named = with(warm, "branch_id", "1");
    assert_eq!(post(&boss, "/api/cache/warm", named.clone()).await.status, 200);
    let login = shop.user("admin", Role::Admin, Some("2")).await;
    let (elsewhere, _) = shop.stranger().login(&login).await.unwrap();
    assert_eq!(post(&elsewhere, "/api/cache/warm", named).await.code().as_deref(), Some("branch_forbidden"));
}

async fn bad_requests_are_refused(shop: &'static Shop) {
    let admin = admin(shop).await;
    let cases = [
        ("/api/cache/warm", json!({}), "bad_request"),
        ("/api/cache/warm", json!({ "table_name": "parrots" }), "unknown_table"),
        ("/api/cache/warm", json!({ "table_name": "products", "cursor": "?" }), "bad_cursor"),
        ("/api/cache/warm", json!({ "table_name": "products", "branch_id": "a b" }), "bad_request"),
        ("/api/cache/invalidate", json!({ "kind": "parrot" }), "bad_request"),
        ("/api/cache/invalidate", json!({ "pattern": "*" }), "bad_request"),
        ("/api/cache/invalidate", json!({ "kind": "product", "pattern": "x".repeat(513) }), "bad_request"),
        ("/api/cache/invalidate", json!({ "cursor": "somewhere" }), "bad_cursor"),
    ];
    for (path, body, code) in cases {
        let reply = post(&admin, path, body.clone()).await;
        assert_eq!(reply.code().as_deref(), Some(code), "{path} {body}: {}", reply.body);
    }
    let reply = admin.get("/api/cache/report?day=yesterday").await.unwrap();
    assert_eq!(reply.code().as_deref(), Some("bad_request"));
}

/// Somebody has put keys there by hand, or crashed between two commands; and processes have counted. One test, since
/// maintenance is of all clients.
async fn maintenance_leaves_no_key_without_an_end_and_one_sum_of_a_day(shop: &'static Shop) {
    let key = |name: &str| format!("tillsync:{}:{name}", shop.client);
    let (record, rate) = (key("record:1:products:p1"), key("rate:user:u1"));
    for key in [&record, &rate] {
        shop.world.redis_says(&["SET", key, "left behind"]).await;
    }
    let past = Timestamp(fleet::now().0 - CACHE_COMPACT_DAYS_BEFORE * DAY_SECS * 1_000_000).date();
    let day = key(&format!("cache-statistics:{past}"));
    let counts = json!({ "product": { "requests": 2, "hits": 2, "micros": 10 } }).to_string();
    shop.world.redis_says(&["HSET", &day, "one", &counts, "two", &counts]).await;
    // Every key there is, in one go: on a slow machine more than once.
    let until = Instant::now() + PATIENCE;
    let done = loop {
        match shop.world.handlers.maintain().await {
            Ok(done) => break done,
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
    };
    assert!(done.removed >= 1 && done.given_ttl >= 2 && done.checked >= 3 && done.compacted == 1, "{done:?}");
    assert!(done.redis.unwrap().used_memory_bytes.unwrap() > 0);
    // What can be loaded anew is gone; what nothing else knows has an end.
    assert_eq!(shop.world.redis_says(&["EXISTS", &record]).await, json!(0));
    assert!(shop.world.redis_says(&["TTL", &rate]).await.as_i64().unwrap() > 0);
    assert_eq!(shop.world.redis_says(&["HKEYS", &day]).await, json!(["sum"]));
    assert!(shop.world.redis_says(&["TTL", &day]).await.as_i64().unwrap() > 0);
    let path = format!("/api/cache/report?day={past}");
    let report: CacheReportResponse = admin(shop).await.get(&path).await.unwrap().ok().unwrap();
    assert_eq!((report.total.requests, report.total.hits), (4, 4));
}
