//! `/api/cache/…` for a tenant's admins, and the scheduled maintenance.

use cache::limits::{CACHE_BATCH_MAX, CACHE_COMPACT_DAYS_BEFORE};
use protocol::limits::READ_RECORDS_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::DAY_SECS;
use protocol::wire::cache::{CacheReportResponse, CacheStatsResponse, InvalidateResponse, WarmResponse};
use protocol::wire::health::BreakerState;
use serde_json::{Value, json};
use tests::api::{Api, Reply};
use tests::wait::{poll, until};

use crate::records::{data, names, read};
use crate::replies::{is_fresh, source};
use crate::shop::{Shop, before_now, deletion, hall, product, with};
use crate::till::Till;
use crate::world::LONG_PATIENCE;

trials! {
    shared:
    warmed_records_are_cache_hits_for_the_first_reader,
    a_warm_up_continues_page_by_page,
    invalidate_removes_only_what_the_pattern_matches,
    reads_are_counted_and_reported,
    only_admins_of_the_branch_or_tenant_are_allowed,
    bad_requests_are_refused,
    maintenance_expires_every_key_and_compacts_past_statistics,
}

async fn post(api: &Api, path: &str, body: Value) -> Reply {
    api.post(path, body.to_string()).await.unwrap()
}

/// Warms up one page, once Redis answers in time.
async fn warm_page(api: &Api, body: Value) -> Reply {
    let warm = async || post(api, "/api/cache/warm", body.clone()).await;
    poll(LONG_PATIENCE, warm, |reply| reply.status != 503).await.unwrap()
}

/// Warms up a whole table. Returns how many records were looked at and how many of them were stored.
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

/// Warms up a table until all of it is cached and `is_cached` agrees. Returns how many records were looked
/// at. The stream may invalidate what was pushed before while `is_cached` looks, so each attempt starts from
/// an empty cache.
async fn warm_up_until(api: &Api, table: &str, is_cached: impl AsyncFn() -> bool) -> u64 {
    let attempt = async || {
        let looked = warm_up_all(api, table).await;
        if is_cached().await {
            return Ok(looked);
        }
        invalidate(api, json!({})).await;
        Err("the warmed records are not in the cache")
    };
    until(LONG_PATIENCE, attempt).await.unwrap()
}

/// Warms up a table until all of it is cached. Returns how many records were looked at.
async fn warm_up_all(api: &Api, table: &str) -> u64 {
    poll(LONG_PATIENCE, async || warm_up(api, table).await, |(_, stored)| *stored == 0).await.unwrap().0
}

async fn push_products(till: &Till, count: usize) -> Stamp {
    let records: Vec<Value> = (0..count).map(|n| product(&format!("p{n:03}"), &json!({ "n": n }))).collect();
    let mut stamp = Stamp::ZERO;
    for records in records.chunks(50) {
        stamp = till.push(records).await.stamp;
    }
    stamp
}

async fn warmed_records_are_cache_hits_for_the_first_reader(shop: &'static Shop) {
    let (till, admin) = (shop.till("till-1").await, shop.admin().await);
    push_products(&till, 3).await;
    till.push(&[hall("h1", &json!({}))]).await;
    till.push(&[deletion("p002", 1)]).await;
    let both_fresh = async || {
        let (first, second) = (read(&till.api, "p000", None).await, read(&till.api, "p001", None).await);
        assert_eq!((data(&first), data(&second)), (json!({ "n": 0 }), json!({ "n": 1 })));
        assert!([&first, &second].into_iter().all(|found| !is_fresh(found) || found.cost().requests == 0));
        is_fresh(&first) && is_fresh(&second)
    };
    // The deleted product and the other table are not warmed up.
    assert_eq!(warm_up_until(&admin, "products", both_fresh).await, 2);
    assert_eq!(source(&till.api.get("/api/data/halls/h1").await.unwrap()), Some("loaded"));
}

async fn a_warm_up_continues_page_by_page(shop: &'static Shop) {
    let (till, admin) = (shop.till("till-1").await, shop.admin().await);
    push_products(&till, CACHE_BATCH_MAX + 20).await;
    let body = json!({ "table_name": "products" });
    let reply = warm_page(&admin, body.clone()).await;
    let first: WarmResponse = reply.ok().unwrap();
    assert_eq!(first.looked, CACHE_BATCH_MAX as u64);
    // One request each for the names, HEAD and the records.
    assert!(first.stored > 0 && reply.cost().requests == 3, "{first:?}");
    let next = with(body, "cursor", first.next_cursor.unwrap());
    let second: WarmResponse = warm_page(&admin, next).await.ok().unwrap();
    assert_eq!((second.looked, second.next_cursor), (20, None));
    let last_fresh = async || is_fresh(&read(&till.api, "p119", None).await);
    assert_eq!(warm_up_until(&admin, "products", last_fresh).await, CACHE_BATCH_MAX as u64 + 20);
    // A table without records.
    assert_eq!(warm_up(&admin, "halls").await, (0, 0));
}

/// Removes what `body` selects from the cache. Returns how many keys were removed.
async fn invalidate(api: &Api, body: Value) -> u64 {
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

async fn invalidate_removes_only_what_the_pattern_matches(shop: &'static Shop) {
    let (till, admin) = (shop.till("till-1").await, shop.admin().await);
    let other = shop.other_tenant();
    let (other_till, other_admin) = (other.till("till-1").await, other.admin().await);
    for (till, admin) in [(&till, &admin), (&other_till, &other_admin)] {
        push_products(till, 2).await;
        warm_up_all(admin, "products").await;
    }
    let read = async |till: &Till, id: &str| read(&till.api, id, None).await;
    let only_one_removed = async || {
        // Two keys: the entry and its tag version.
        let removed = invalidate(&admin, json!({ "kind": "product", "pattern": "1:products:p000" })).await;
        assert_eq!(source(&read(&till, "p000").await), Some("loaded"));
        removed == 2 && is_fresh(&read(&till, "p001").await)
    };
    warm_up_until(&admin, "products", only_one_removed).await;
    let other_tenant_kept = async || {
        assert!(invalidate(&admin, json!({})).await >= 2);
        assert_eq!(source(&read(&till, "p001").await), Some("loaded"));
        is_fresh(&read(&other_till, "p000").await)
    };
    warm_up_until(&other_admin, "products", other_tenant_kept).await;
    other.close().await;
}

async fn reads_are_counted_and_reported(shop: &'static Shop) {
    let tills = [shop.till("till-1").await, shop.till("till-2").await, shop.till("till-3").await];
    let admin = shop.admin().await;
    push_products(&tills[0], READ_RECORDS_MAX).await;
    warm_up_all(&admin, "products").await;
    let names = names((0..READ_RECORDS_MAX).map(|n| format!("p{n:03}")));
    let counted = async || {
        // A function writes the counts of one tenant at a time, and other tests have counts too: read enough
        // that it writes once per attempt.
        for till in &tills {
            let reply = post(&till.api, "/api/data/batch-get", json!({ "records": names })).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        admin.get("/api/cache/report").await.unwrap().ok::<CacheReportResponse>().unwrap()
    };
    let report = poll(LONG_PATIENCE, counted, |report| report.total.hits > 0).await.unwrap();
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

async fn only_admins_of_the_branch_or_tenant_are_allowed(shop: &'static Shop) {
    let (cashier, head_office) = (shop.till("till-1").await.api, shop.head_office().await);
    for path in ["/api/cache/report", "/api/cache/stats"] {
        assert_eq!(cashier.get(path).await.unwrap().code().as_deref(), Some("forbidden_role"), "{path}");
        assert_eq!(head_office.get(path).await.unwrap().status, 200, "{path}");
    }
    let warm = json!({ "table_name": "products" });
    for (path, body) in [("/api/cache/invalidate", json!({})), ("/api/cache/warm", warm.clone())] {
        assert_eq!(post(&cashier, path, body).await.code().as_deref(), Some("forbidden_role"), "{path}");
    }
    let unnamed = post(&head_office, "/api/cache/warm", warm.clone()).await;
    assert_eq!(unnamed.code().as_deref(), Some("branch_required"));
    let named = with(warm, "branch_id", "1");
    assert_eq!(post(&head_office, "/api/cache/warm", named.clone()).await.status, 200);
    let elsewhere = shop.signed_in("admin-2", Role::Admin, Some("2")).await;
    assert_eq!(post(&shop.admin().await, "/api/cache/warm", named.clone()).await.status, 200);
    assert_eq!(post(&elsewhere, "/api/cache/warm", named).await.code().as_deref(), Some("branch_forbidden"));
}

async fn bad_requests_are_refused(shop: &'static Shop) {
    let admin = shop.admin().await;
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

/// Keys without a TTL come from a manual write or a crash between two commands. This is one test, since
/// maintenance covers all tenants.
async fn maintenance_expires_every_key_and_compacts_past_statistics(shop: &'static Shop) {
    let key = |name: &str| format!("tillsync:{}:{name}", shop.client);
    let (record, rate) = (key("record:1:products:p1"), key("rate:user:u1"));
    for key in [&record, &rate] {
        shop.world.redis_command(&["SET", key, "left behind"]).await;
    }
    let past = before_now(CACHE_COMPACT_DAYS_BEFORE * DAY_SECS).date();
    let day = key(&format!("cache-statistics:{past}"));
    let counts = json!({ "product": { "requests": 2, "hits": 2, "micros": 10 } }).to_string();
    shop.world.redis_command(&["HSET", &day, "one", &counts, "two", &counts]).await;
    // One run scans every key, which on a slow machine may take longer than the function's budget.
    let done = until(LONG_PATIENCE, async || shop.world.handlers.maintain().await).await.unwrap();
    assert!(done.removed >= 1 && done.given_ttl >= 2 && done.checked >= 3 && done.compacted == 1, "{done:?}");
    assert!(done.redis.unwrap().used_memory_bytes.unwrap() > 0);
    // What DynamoDB has as well is deleted; the rest gets a TTL.
    assert_eq!(shop.world.redis_command(&["EXISTS", &record]).await, json!(0));
    assert!(shop.world.redis_command(&["TTL", &rate]).await.as_i64().unwrap() > 0);
    assert_eq!(shop.world.redis_command(&["HKEYS", &day]).await, json!(["sum"]));
    assert!(shop.world.redis_command(&["TTL", &day]).await.as_i64().unwrap() > 0);
    let path = format!("/api/cache/report?day={past}");
    let report: CacheReportResponse = shop.admin().await.get(&path).await.unwrap().ok().unwrap();
    assert_eq!((report.total.requests, report.total.hits), (4, 4));
}
