//! `GET /api/sync/stats`

use std::time::Duration;

use libtest_mimic::Trial;
use local::dynamo::faults::Fault;
use local::stream::StreamSwitch;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use protocol::wire::stats::StatsResponse;
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, Reply, Units};
use tokio::time::{Instant, sleep};

use crate::shop::{Shop, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        an_empty_room_has_zero_of_everything,
        counts_are_exact_through_create_update_delete_and_create_again,
        what_the_stream_has_not_delivered_is_pending,
        the_clock_of_a_device_is_shown,
        counting_costs_the_same_however_much_there_is,
        only_tables_that_the_role_may_read_are_shown,
        head_office_names_a_branch_and_nobody_else_may,
        without_dynamodb_it_says_when_to_come_back,
    ]
}

const PATH: &str = "/api/sync/stats";
const PATIENCE: Duration = Duration::from_secs(30);

async fn stats(api: &Api) -> StatsResponse {
    api.get(PATH).await.unwrap().ok().unwrap()
}

/// The figures, none older than `stamp`.
async fn as_of(api: &Api, stamp: Stamp) -> Reply {
    api.get(&format!("{PATH}?min={}", stamp.0)).await.unwrap()
}

fn count(stats: &StatsResponse, table: &str) -> Option<u64> {
    stats.tables_stats.iter().find(|found| found.table_name == table).map(|found| found.record_count)
}

/// Waits until everything is delivered.
pub(crate) async fn settled(api: &Api) -> StatsResponse {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stats = stats(api).await;
        if stats.pending_queue_count == 0 {
            return stats;
        }
        assert!(Instant::now() < deadline, "the stream does not come to rest: {stats:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn an_empty_room_has_zero_of_everything(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let reply = till.api.get(PATH).await.unwrap();
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    let names = body.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names, "clocks last_sync_at pending_queue_count tables_stats");
    assert_eq!((&body["pending_queue_count"], &body["last_sync_at"]), (&json!(0), &json!(null)));
    assert!(body["tables_stats"].as_array().unwrap().iter().all(|table| table["record_count"] == 0));
    assert_eq!(count(&reply.ok().unwrap(), "products"), Some(0));
}

async fn counts_are_exact_through_create_update_delete_and_create_again(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let deleted =
        |id: &str, base: u64| with(with(product(id, &json!(null)), "is_deleted", true), "base_version", base);
    let steps = [
        (vec![product("p1", &json!({})), product("p2", &json!({})), product("p3", &json!({}))], 3),
        (vec![with(product("p1", &json!({"n": 1})), "base_version", 1)], 3),
        (vec![deleted("p1", 2), deleted("p2", 1)], 1),
        (vec![deleted("p2", 2)], 1),
        (vec![with(product("p1", &json!({})), "base_version", 0)], 2),
        // Created and deleted in one batch: it was never there.
        (vec![product("p9", &json!({})), deleted("p9", 1)], 2),
    ];
    for (records, expected) in steps {
        let answer = till.push(&records).await;
        let stats = as_of(&till.api, answer.stamp).await.ok().unwrap();
        assert_eq!(count(&stats, "products"), Some(expected), "{records:?}");
    }
    let sold = till.push(&[with(product("c1", &json!({})), "table_name", "customers")]).await;
    let stats: StatsResponse = as_of(&till.api, sold.stamp).await.ok().unwrap();
    assert_eq!((count(&stats, "products"), count(&stats, "customers")), (Some(2), Some(1)));
    assert_eq!(stats.last_sync_at, Some(sold.stamp.time().to_string()));
}

/// Holds the stream back until it is dropped, also by a test that fails.
struct Paused<'a>(&'a StreamSwitch);

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}

async fn what_the_stream_has_not_delivered_is_pending(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p0", &json!({}))]).await;
    settled(&till.api).await;
    shop.world.stream.pause();
    let paused = Paused(&shop.world.stream);
    // One that is under way is delivered still.
    sleep(Duration::from_millis(200)).await;
    till.push(&[product("p1", &json!({})), product("p2", &json!({}))]).await;
    let last = till.push(&[product("p3", &json!({}))]).await.stamp;
    // Neither is a change.
    till.push(&[product("p4", &json!(5)), with(product("p3", &json!({"n": 1})), "base_version", 0)]).await;
    assert_eq!(as_of(&till.api, last).await.ok::<StatsResponse>().unwrap().pending_queue_count, 3);
    drop(paused);
    settled(&till.api).await;
}

async fn the_clock_of_a_device_is_shown(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let at = |secs: i64| {
        let now = i64::try_from(tests::fleet::now().0).unwrap();
        protocol::timestamp::Timestamp(u64::try_from(now + secs * 1_000_000).unwrap()).to_string()
    };
    for (till, secs) in [(&one, 120), (&two, -3600)] {
        let batch = with(till.batch(None, &[product(&till.device, &json!({}))]), "device_time", at(secs));
        let answer: PushResponse = till.push_raw(&batch).await.ok().unwrap();
        assert_eq!(answer.synced_count, 1);
    }
    let stats = stats(&one.api).await;
    let skew = |device: &str| {
        let clock = stats.clocks.iter().find(|clock| clock.device_id == device).unwrap();
        assert!(clock.at.ends_with('Z') && clock.at.len() == 27, "{}", clock.at);
        clock.skew_millis
    };
    // As exact as the way from the till to the function is short.
    assert!((skew("till-1") - 120_000).abs() < 5_000, "{}", skew("till-1"));
    assert!((skew("till-2") + 3_600_000).abs() < 5_000, "{}", skew("till-2"));
}

async fn counting_costs_the_same_however_much_there_is(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = till.push(&[product("p0", &json!({}))]).await.stamp;
    let watch = shop.world.dynamo_faults.watch(&format!("ROOM#{}#", shop.client));
    let little = as_of(&till.api, first).await.cost();
    for batch in 0..4 {
        let records: Vec<Value> =
            (0..50).map(|i| product(&format!("p{batch}-{i}"), &json!({"n": i}))).collect();
        till.push(&records).await;
    }
    settled(&till.api).await;
    // What was found meanwhile may be as new as this; a change that nobody has seen yet is not.
    let last = till.push(&[product("p0", &json!({ "n": 1 }))]).await.stamp;
    let much = as_of(&till.api, last).await.cost();
    assert_eq!(watch.count("Query") + watch.count("Scan"), 0, "nothing is counted by reading data");
    // HEAD and FEED: two items of less than 4 KB each, strongly consistent, in one request.
    assert_eq!((little, much), (much, Units { requests: 1, write_tenths: 0, read_tenths: 20 }));
}

async fn only_tables_that_the_role_may_read_are_shown(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let manager = shop.user("manager", Role::Manager, Some("1")).await;
    let (manager, _) = shop.stranger().login(&manager).await.unwrap();
    let advance = with(product("a1", &json!({"sum": 5})), "table_name", "employee_advances");
    let body = json!({ "device_id": "office", "records": [advance] }).to_string();
    let pushed: PushResponse = manager.post("/api/sync/batch-push", body).await.unwrap().ok().unwrap();
    assert_eq!(pushed.synced_count, 1);
    assert_eq!(count(&stats(&manager).await, "employee_advances"), Some(1));
    assert_eq!(count(&stats(&till.api).await, "employee_advances"), None);
}

async fn head_office_names_a_branch_and_nobody_else_may(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let boss = shop.user("boss", Role::SuperAdmin, None).await;
    let (boss, _) = shop.stranger().login(&boss).await.unwrap();
    let of = |branch: &str| format!("{PATH}?branch_id={branch}");
    let stats: StatsResponse = boss.get(&of("1")).await.unwrap().ok().unwrap();
    assert_eq!(count(&stats, "products"), Some(1));
    let elsewhere: StatsResponse = boss.get(&of("2")).await.unwrap().ok().unwrap();
    assert_eq!((count(&elsewhere, "products"), elsewhere.last_sync_at), (Some(0), None));
    let cases = [
        (&boss, PATH.to_owned(), 403, "branch_required"),
        (&boss, of("a%23b"), 400, "bad_request"),
        (&till.api, of("1"), 403, "branch_forbidden"),
        (&till.api, of("2"), 403, "branch_forbidden"),
        (&shop.stranger(), PATH.to_owned(), 401, "token_missing"),
    ];
    for (api, path, status, code) in cases {
        let reply = api.get(&path).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (status, Some(code)), "{path}");
    }
    // Another client's head office sees its own branch of that name, which is empty.
    let other = Shop::new(shop.world);
    let stranger = other.user("boss", Role::SuperAdmin, None).await;
    let (stranger, _) = other.stranger().login(&stranger).await.unwrap();
    let stats: StatsResponse = stranger.get(&of("1")).await.unwrap().ok().unwrap();
    assert_eq!(count(&stats, "products"), Some(0));
    let reply = till.api.send(till.api.request(Method::POST, PATH)).await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.headers["allow"]), (405, &"GET".parse().unwrap()));
}

async fn without_dynamodb_it_says_when_to_come_back(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let scope = format!("ROOM#{}#", shop.client);
    let faults = shop.world.dynamo_faults.clone();
    faults.inject(&scope, "BatchGetItem", Fault::Refused, 1000);
    let reply = till.api.get(PATH).await.unwrap();
    faults.clear(&scope);
    assert_eq!((reply.status.as_u16(), reply.code().as_deref()), (503, Some("unavailable")));
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(count(&stats(&till.api).await, "products"), Some(1));
}
