//! Counts of dead letters and conflicts: in statistics, in `GET /api/branches`, and as a cap.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use local::dynamo::faults::Fault;
use protocol::limits::DEAD_LETTERS_MAX;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::branches::{BranchSummary, BranchesResponse};
use protocol::wire::push::PushResponse;
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};
use tests::api::Api;
use tests::till::Till as LiveTill;
use tests::till::meter::Meter;
use tokio::task::JoinSet;

use super::dead_letters::{dead_letters, post};
use crate::replies::assert_error;
use crate::shop::{Shop, product, with};
use crate::stored::Stored;
use crate::till::Till;

trials! {
    shared:
    counts_follow_rejections_conflicts_and_their_end,
    a_full_branch_refuses_only_pushes_with_rejections,
    a_full_branch_blocks_no_queue_and_loses_nothing,
    counts_are_exact_under_races_and_lost_responses,
    a_list_of_all_dead_letters_corrects_their_count,
    damaged_counts_fail_no_push,
    branches_are_listed_in_pages_with_their_figures,
    a_user_with_a_branch_sees_that_branch_alone,
    bad_pages_of_branches_are_refused,
}

const BRANCHES: &str = "/api/branches";

/// A write that is rejected.
fn undated(id: &str) -> Value {
    with(product(id, &json!({})), "local_updated_at", "yesterday")
}

async fn branches(api: &Api, query: &str) -> BranchesResponse {
    api.get(&format!("{BRANCHES}?{query}")).await.unwrap().ok().unwrap()
}

/// Open dead letters and conflicts of the caller's own branch.
async fn counts(api: &Api) -> (Option<u64>, u64) {
    let BranchSummary { dead_letter_count, conflict_count, .. } = branches(api, "").await.branches.remove(0);
    (dead_letter_count, conflict_count)
}

/// Sets the number of dead letters of branch 1, which has had one.
async fn set_count(shop: &'static Shop, count: usize) {
    let counts = Stored::in_room(shop, keys::COUNTS).await;
    counts.set("dead_letters", Some(AttributeValue::N(count.to_string()))).await;
}

async fn counts_follow_rejections_conflicts_and_their_end(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    assert_eq!(counts(&manager).await, (Some(0), 0));
    shop.till("till-2").await.push(&[product("p1", &json!({ "n": 1 }))]).await;
    let again = with(product("p1", &json!({ "n": 2 })), "base_version", 0);
    let batch = till.batch(Some("b1"), &[product("p2", &json!({})), again, undated("x"), json!(5)]);
    let pushed = till.push_batch(&batch).await;
    assert_eq!((pushed.synced_count, pushed.conflicts.len(), pushed.errors.len()), (1, 1, 2));
    assert_eq!(counts(&manager).await, (Some(2), 1));
    // A retry counts nothing again.
    till.push_batch(&batch).await;
    assert_eq!(counts(&manager).await, (Some(2), 1));
    // Cashiers may not handle dead letters, and see no number.
    assert_eq!(counts(&till.api).await, (None, 1));
    let stats = async |api: &Api| -> StatsResponse {
        let path = format!("/api/sync/stats?min={}", pushed.stamp.0);
        api.get(&path).await.unwrap().ok().unwrap()
    };
    let of = |stats: StatsResponse| (stats.dead_letter_count, stats.conflict_count);
    assert_eq!((of(stats(&manager).await), of(stats(&till.api).await)), ((Some(2), 1), (None, 1)));
    let letters = dead_letters(&manager).await;
    let [first, second] = [0, 1].map(|place: usize| letters[place].id.clone());
    let body = json!({ "data": { "n": 3 } }).to_string();
    assert_eq!(post(&manager, &first, "replay", &body).await.status, 200);
    assert_eq!(counts(&manager).await.0, Some(1));
    assert_eq!(post(&manager, &second, "discard", "").await.status, 204);
    assert_eq!(counts(&manager).await.0, Some(0));
}

/// Refuses `records`, of which those at `indexes` cannot be kept.
async fn refused(till: &Till, records: &[Value], indexes: &[usize]) {
    let reply = till.push_raw(&till.batch(Some("full"), records)).await;
    let error = assert_error(&reply, 507, "dead_letters_full");
    let errors = error["details"]["errors"].as_array().unwrap();
    let found: Vec<_> =
        errors.iter().map(|error| usize::try_from(error["index"].as_u64().unwrap()).unwrap()).collect();
    assert_eq!(found, indexes);
    assert!(errors.iter().all(|error| error["code"] == "bad_time"), "{errors:?}");
}

async fn a_full_branch_refuses_only_pushes_with_rejections(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    till.push(&[undated("x")]).await;
    set_count(shop, DEAD_LETTERS_MAX - 2).await;
    let mixed = [product("good", &json!({})), undated("y"), undated("z"), undated("w")];
    refused(&till, &mixed, &[1, 2, 3]).await;
    assert_eq!(till.pull_all(Stamp::ZERO, 10).await, [], "nothing of it is written");
    till.push(&[undated("y"), undated("z")]).await;
    assert_eq!(counts(&manager).await.0, Some(DEAD_LETTERS_MAX as u64), "as many as there may be");
    refused(&till, &[undated("v")], &[0]).await;
    assert_eq!(till.push(&[product("other", &json!({}))]).await.synced_count, 1);
    // The list counts them again, and the same request succeeds.
    assert_eq!(dead_letters(&manager).await.len(), 3);
    let accepted = till.push_raw(&till.batch(Some("full"), &mixed)).await.ok::<PushResponse>().unwrap();
    assert_eq!((accepted.synced_count, accepted.errors.len()), (1, 3));
    assert_eq!(counts(&manager).await.0, Some(6));
}

/// A till keeps what the branch cannot keep, sells on, and delivers it when there is room.
async fn a_full_branch_blocks_no_queue_and_loses_nothing(shop: &'static Shop) {
    shop.till("till-1").await.push(&[undated("x")]).await;
    set_count(shop, DEAD_LETTERS_MAX).await;
    let login = shop.user("seller", Role::Cashier, Some("1")).await;
    let login = LoginRequest { device_id: Some("till-2".parse().unwrap()), ..login };
    let till = LiveTill::open(&shop.anonymous(), &login, Arc::new(Meter::default())).await.unwrap();
    for (batch, records) in [[product("a", &json!({})), undated("b")], [undated("c"), undated("d")]]
        .iter()
        .chain([&[product("e", &json!({})), product("f", &json!({}))]])
        .enumerate()
    {
        let batch = json!({ "device_id": "till-2", "batch_id": format!("b{batch}"), "records": records });
        till.enqueue(serde_json::from_value(batch).unwrap());
    }
    till.sync_all().await.unwrap();
    let rows = till.read(|state| state.rows.iter().map(|(key, _)| key.1.clone()).collect::<Vec<_>>());
    assert_eq!(rows, ["a", "e", "f"], "sales go on");
    let manager = shop.manager().await;
    assert_eq!(dead_letters(&manager).await.len(), 1, "nothing is kept, and the list corrects the count");
    till.sync_all().await.unwrap();
    let ids = dead_letters(&manager).await.into_iter().filter_map(|letter| letter.record_id);
    assert_eq!(ids.collect::<BTreeSet<_>>(), ["x", "b", "c", "d"].map(str::to_owned).into());
    assert_eq!(till.read(|state| state.queue.errors.len()), 3);
}

/// Devices that are rejected at once, with lost responses and lost races, are counted once each.
async fn counts_are_exact_under_races_and_lost_responses(shop: &'static Shop) {
    let manager = shop.manager().await;
    let mut pushing = JoinSet::new();
    for device in 0..6 {
        let till = shop.till(&format!("till-{device}")).await;
        pushing.spawn(async move {
            for batch in 0..4 {
                let by = json!({ "by": format!("{device}-{batch}") });
                let again = with(product("p1", &by), "base_version", 0);
                let records = [undated(&format!("d{device}-{batch}")), again];
                till.push_with_retries(&till.batch(Some(&format!("b{batch}")), &records)).await;
            }
        });
    }
    for fault in [Fault::LostResponse, Fault::TransactionConflict, Fault::LostResponse] {
        shop.inject_dynamo_fault("TransactWriteItems", fault, 2);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    pushing.join_all().await;
    // Before a list, which would correct them. One of all writes of `p1` created it.
    assert_eq!(counts(&manager).await, (Some(24), 23));
    assert_eq!(dead_letters(&manager).await.len(), 24);
}

async fn a_list_of_all_dead_letters_corrects_their_count(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    // Each batch is an item of its own.
    till.push(&[undated("x")]).await;
    till.push(&[undated("y")]).await;
    set_count(shop, 7).await;
    // A page that is not all changes nothing.
    manager.get("/api/sync/dead-letters?limit=1").await.unwrap();
    assert_eq!(counts(&manager).await.0, Some(7));
    dead_letters(&manager).await;
    assert_eq!(counts(&manager).await.0, Some(2));
}

async fn damaged_counts_fail_no_push(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    till.push(&[undated("x")]).await;
    let stored = Stored::in_room(shop, keys::COUNTS).await;
    stored.damage("dead_letters").await;
    assert_eq!(counts(&manager).await.0, Some(0));
    assert_eq!(till.push(&[undated("y"), product("p1", &json!({}))]).await.synced_count, 1);
    assert_eq!(counts(&manager).await.0, Some(1), "they begin again");
    dead_letters(&manager).await;
    assert_eq!(counts(&manager).await.0, Some(2));
}

async fn branches_are_listed_in_pages_with_their_figures(shop: &'static Shop) {
    shop.branch("3").await;
    let (one, two) = (shop.till("till-1").await, shop.till_of("till-2", "2").await);
    let first = one.push(&[product("p1", &json!({})), product("p2", &json!({}))]).await;
    two.push(&[product("p1", &json!({})), undated("x")]).await;
    let office = shop.head_office().await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = branches(&office, &format!("limit=1&cursor={cursor}")).await;
        found.extend(page.branches);
        assert_eq!(page.has_more, page.next_cursor.is_some());
        let Some(next) = page.next_cursor else { break };
        cursor = next;
    }
    let figures =
        |branch: &BranchSummary| (branch.record_count, branch.change_count, branch.dead_letter_count);
    let all: Vec<_> = found.iter().map(|branch| (branch.branch_id.as_str(), figures(branch))).collect();
    let expected = [("1", (2, 2, Some(0))), ("2", (1, 1, Some(1))), ("3", (0, 0, Some(0)))];
    assert_eq!(all, expected);
    assert_eq!(found[0].stamp, first.stamp);
    assert_eq!(found[0].last_commit_at, Some(first.stamp.time().to_string()));
    assert_eq!((found[2].stamp.0, &found[2].last_commit_at), (0, &None));
    let whole = branches(&office, "").await;
    assert_eq!((whole.branches, whole.has_more), (found, false));
    // Another client sees nothing of it.
    let other = shop.other_tenant();
    let theirs = branches(&other.head_office().await, "").await.branches;
    assert!(theirs.iter().all(|branch| branch.change_count == 0), "{theirs:?}");
    other.close().await;
}

async fn a_user_with_a_branch_sees_that_branch_alone(shop: &'static Shop) {
    shop.branch("2").await;
    let till = shop.till("till-1").await;
    for api in [&till.api, &shop.manager().await, &shop.admin().await] {
        let page = branches(api, "limit=100").await;
        let ids: Vec<_> = page.branches.iter().map(|branch| branch.branch_id.as_str()).collect();
        assert_eq!((ids, page.has_more), (vec!["1"], false));
    }
}

async fn bad_pages_of_branches_are_refused(shop: &'static Shop) {
    let office = shop.head_office().await;
    for (query, code) in [("limit=0", "bad_limit"), ("limit=101", "bad_limit"), ("cursor=x", "bad_cursor")] {
        assert_error(&office.get(&format!("{BRANCHES}?{query}")).await.unwrap(), 400, code);
    }
    assert_error(&shop.anonymous().get(BRANCHES).await.unwrap(), 401, "token_missing");
}
