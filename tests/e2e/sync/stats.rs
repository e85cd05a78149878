//! `GET /api/sync/stats`

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use local::dynamo::faults::Fault;
use local::stream::StreamSwitch;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::push::PushResponse;
use protocol::wire::stats::{DeviceClock, StatsResponse};
use reqwest::Method;
use serde_json::{Value, json};
use tests::api::{Api, Reply, Units};
use tests::wait::poll;
use tokio::time::sleep;

use crate::replies::{assert_error, assert_members, json as json_body};
use crate::shop::{Shop, advance, deletion, product, record, with};
use crate::till::Till;
use crate::world::LONG_PATIENCE;

trials! {
    shared:
    an_empty_room_has_zero_counts,
    counts_follow_creates_updates_and_deletions,
    undelivered_changes_are_pending,
    stats_show_the_clock_skew_of_devices,
    a_clock_is_stored_once_and_again_when_it_was_set,
    stats_show_clocks_that_an_older_release_stored_in_head,
    stats_cost_the_same_for_any_number_of_records,
    stats_show_only_tables_the_role_may_read,
    only_head_office_names_another_branch,
    stats_answer_503_without_dynamodb,
}

const PATH: &str = "/api/sync/stats";

async fn stats(api: &Api) -> StatsResponse {
    api.get(PATH).await.unwrap().ok().unwrap()
}

/// The stats as of `stamp` or later.
async fn as_of(api: &Api, stamp: Stamp) -> Reply {
    api.get(&format!("{PATH}?min={}", stamp.0)).await.unwrap()
}

fn count(stats: &StatsResponse, table: &str) -> Option<u64> {
    stats.tables_stats.iter().find(|found| found.table_name == table).map(|found| found.record_count)
}

/// Waits until the stream has delivered every change of the room.
pub(crate) async fn wait_until_delivered(api: &Api) -> StatsResponse {
    poll(LONG_PATIENCE, async || stats(api).await, |stats| stats.pending_queue_count == 0).await.unwrap()
}

async fn an_empty_room_has_zero_counts(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let reply = till.api.get(PATH).await.unwrap();
    let body = json_body(&reply);
    assert_members(&body, "clocks conflict_count corrupt last_sync_at pending_queue_count tables_stats");
    assert_eq!((&body["pending_queue_count"], &body["last_sync_at"]), (&json!(0), &json!(null)));
    assert!(body["tables_stats"].as_array().unwrap().iter().all(|table| table["record_count"] == 0));
    assert_eq!(count(&reply.ok().unwrap(), "products"), Some(0));
}

async fn counts_follow_creates_updates_and_deletions(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let steps = [
        (vec![product("p1", &json!({})), product("p2", &json!({})), product("p3", &json!({}))], 3),
        (vec![with(product("p1", &json!({"n": 1})), "base_version", 1)], 3),
        (vec![deletion("p1", 2), deletion("p2", 1)], 1),
        (vec![deletion("p2", 2)], 1),
        (vec![with(product("p1", &json!({})), "base_version", 0)], 2),
        // A record that is created and deleted in one batch is never counted.
        (vec![product("p9", &json!({})), deletion("p9", 1)], 2),
    ];
    for (records, expected) in steps {
        let response = till.push(&records).await;
        let stats = as_of(&till.api, response.stamp).await.ok().unwrap();
        assert_eq!(count(&stats, "products"), Some(expected), "{records:?}");
    }
    let sold = till.push(&[record("customers", "c1", &json!({}))]).await;
    let stats: StatsResponse = as_of(&till.api, sold.stamp).await.ok().unwrap();
    assert_eq!((count(&stats, "products"), count(&stats, "customers")), (Some(2), Some(1)));
    assert_eq!(stats.last_sync_at, Some(sold.stamp.time().to_string()));
}

/// Resumes the stream when dropped, also in a test that fails.
struct PausedStream<'a>(&'a StreamSwitch);

impl Drop for PausedStream<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}

async fn undelivered_changes_are_pending(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p0", &json!({}))]).await;
    wait_until_delivered(&till.api).await;
    shop.world.stream.pause();
    let paused = PausedStream(&shop.world.stream);
    // Not a wait for a condition: a delivery in progress goes on after the pause, and nothing shows its end.
    sleep(Duration::from_millis(200)).await;
    till.push(&[product("p1", &json!({})), product("p2", &json!({}))]).await;
    let last = till.push(&[product("p3", &json!({}))]).await.stamp;
    // A malformed record and a conflict are not changes.
    till.push(&[product("p4", &json!(5)), with(product("p3", &json!({"n": 1})), "base_version", 0)]).await;
    assert_eq!(as_of(&till.api, last).await.ok::<StatsResponse>().unwrap().pending_queue_count, 3);
    drop(paused);
    wait_until_delivered(&till.api).await;
}

async fn stats_show_the_clock_skew_of_devices(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    for (till, secs) in [(&one, 120), (&two, -3600)] {
        push_at_clock(till, till.device.as_str(), secs).await;
    }
    let stats = stats(&one.api).await;
    let skew = |device: &str| {
        let clock = stats.clocks.iter().find(|clock| clock.device_id == device).unwrap();
        assert!(clock.at.ends_with('Z') && clock.at.len() == 27, "{}", clock.at);
        clock.skew_millis
    };
    // The time from the till to the function makes the skew inexact.
    assert!((skew("till-1") - 120_000).abs() < 5_000, "{}", skew("till-1"));
    assert!((skew("till-2") + 3_600_000).abs() < 5_000, "{}", skew("till-2"));
}

/// Pushes the product `id` from a till whose clock is `secs` seconds ahead.
async fn push_at_clock(till: &Till, id: &str, secs: i64) -> Reply {
    let now = i64::try_from(tests::fleet::now().0).unwrap();
    let clock = Timestamp(u64::try_from(now + secs * 1_000_000).unwrap()).to_string();
    let reply =
        till.push_raw(&with(till.batch(None, &[product(id, &json!({}))]), "device_time", clock)).await;
    assert_eq!(reply.ok::<PushResponse>().unwrap().synced_count, 1);
    reply
}

async fn a_clock_is_stored_once_and_again_when_it_was_set(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = push_at_clock(&till, "p1", 0).await.cost();
    let same = push_at_clock(&till, "p2", 0).await.cost();
    let set = push_at_clock(&till, "p3", 60).await.cost();
    // A push is a read and a write. A reading that says something new is one more of each.
    assert_eq!((first.requests, same.requests, set.requests), (4, 2, 4));
    assert_eq!(
        same.write_tenths,
        till.push_raw(&till.batch(None, &[product("p4", &json!({}))])).await.cost().write_tenths
    );
    let clocks = stats(&till.api).await.clocks;
    assert_eq!(clocks.len(), 1);
    assert!((clocks[0].skew_millis - 60_000).abs() < 5_000, "{}", clocks[0].skew_millis);
}

async fn stats_show_clocks_that_an_older_release_stored_in_head(shop: &'static Shop) {
    let (till, other) = (shop.till("till-1").await, shop.till("till-2").await);
    push_at_clock(&till, "p1", 0).await;
    // The attribute as the release before stored it.
    let reading =
        |skew: &str, at: &str| AttributeValue::L([skew, at].map(|n| AttributeValue::N(n.into())).into());
    let clocks = [("till-1", reading("-90000", "7")), ("till-2", reading("60000", "8"))];
    let clocks = clocks.map(|(device, reading)| (device.to_owned(), reading)).into();
    let update = shop.world.dynamo.update_item().table_name(&shop.world.table);
    let update = update.key("pk", AttributeValue::S(keys::room(&shop.room("1"))));
    let update = update.key("sk", AttributeValue::S(keys::HEAD.to_owned()));
    let update = update.update_expression("SET clocks = :clocks");
    update.expression_attribute_values(":clocks", AttributeValue::M(clocks)).send().await.unwrap();
    let skew = |clocks: &[DeviceClock], device: &str| {
        clocks.iter().find(|clock| clock.device_id == device).map(|clock| clock.skew_millis)
    };
    let shown = stats(&till.api).await.clocks;
    assert_eq!(skew(&shown, "till-2"), Some(60_000));
    assert!(skew(&shown, "till-1").is_some_and(|skew| skew != -90_000), "the later reading counts");
    push_at_clock(&other, "p2", 0).await;
    push_at_clock(&till, "p3", 0).await;
}

async fn stats_cost_the_same_for_any_number_of_records(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = till.push(&[product("p0", &json!({}))]).await.stamp;
    let watch = shop.world.dynamo_faults.watch(&shop.dynamo_scope());
    let little = as_of(&till.api, first).await.cost();
    for batch in 0..4 {
        let records: Vec<Value> =
            (0..50).map(|i| product(&format!("p{batch}-{i}"), &json!({"n": i}))).collect();
        till.push(&records).await;
    }
    wait_until_delivered(&till.api).await;
    // The stats may be cached by now, so make a change that no cached entry includes.
    let last = till.push(&[product("p0", &json!({ "n": 1 }))]).await.stamp;
    let much = as_of(&till.api, last).await.cost();
    assert_eq!(watch.count("Query") + watch.count("Scan"), 0, "stats read the data");
    // HEAD, FEED, CLOCKS, COUNTS and known damage: less than 4 KB each, strongly consistent, in one request.
    assert_eq!((little, much), (much, Units { requests: 1, write_tenths: 0, read_tenths: 50 }));
}

async fn stats_show_only_tables_the_role_may_read(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let office = shop.office().await;
    assert_eq!(office.push(&[advance("a1")]).await.synced_count, 1);
    assert_eq!(count(&stats(&office.api).await, "employee_advances"), Some(1));
    assert_eq!(count(&stats(&till.api).await, "employee_advances"), None);
}

async fn only_head_office_names_another_branch(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let head_office = shop.head_office().await;
    let of = |branch: &str| format!("{PATH}?branch_id={branch}");
    let stats: StatsResponse = head_office.get(&of("1")).await.unwrap().ok().unwrap();
    assert_eq!(count(&stats, "products"), Some(1));
    shop.branch("2").await;
    let elsewhere: StatsResponse = head_office.get(&of("2")).await.unwrap().ok().unwrap();
    assert_eq!((count(&elsewhere, "products"), elsewhere.last_sync_at), (Some(0), None));
    let cases = [
        (&head_office, PATH.to_owned(), 403, "branch_required"),
        (&head_office, of("a%23b"), 400, "bad_request"),
        (&till.api, of("2"), 403, "branch_forbidden"),
        (&shop.anonymous(), PATH.to_owned(), 401, "token_missing"),
    ];
    for (api, path, status, code) in cases {
        let reply = api.get(&path).await.unwrap();
        assert_error(&reply, status, code);
    }
    let own: StatsResponse = till.api.get(&of("1")).await.unwrap().ok().unwrap();
    assert_eq!(count(&own, "products"), Some(1));
    // Another tenant's head office sees its own branch of that name, which is empty.
    let other_tenant = shop.other_tenant();
    other_tenant.branch("1").await;
    let other = other_tenant.head_office().await;
    let stats: StatsResponse = other.get(&of("1")).await.unwrap().ok().unwrap();
    assert_eq!(count(&stats, "products"), Some(0));
    let reply = till.api.send(till.api.request(Method::POST, PATH)).await.unwrap();
    assert_eq!((reply.status.as_u16(), &reply.headers["allow"]), (405, &"GET".parse().unwrap()));
}

async fn stats_answer_503_without_dynamodb(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let reply = shop.with_dynamo_fault("BatchGetItem", Fault::Refused, till.api.get(PATH)).await.unwrap();
    assert_error(&reply, 503, "unavailable");
    assert_eq!(reply.headers["retry-after"], "1");
    assert_eq!(count(&stats(&till.api).await, "products"), Some(1));
}
