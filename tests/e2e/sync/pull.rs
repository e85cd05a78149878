//! `GET /api/sync/pull-changes`

use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};

use crate::replies::{assert_error, assert_members, json as json_body};
use crate::shop::{Shop, advance, cursor_of, product, record};
use crate::sync::absence::week_later;
use crate::till::Till;

trials! {
    shared:
    the_response_has_exactly_the_promised_members,
    since_excludes_its_own_change_as_stamp_and_as_time,
    pages_of_any_size_return_the_same_changes,
    a_table_filter_still_advances_the_cursor,
    an_empty_room_has_a_cursor,
    min_beyond_head_requires_a_reset,
    a_role_pulls_only_its_tables,
    a_hundred_changes_cost_two_requests_and_five_units,
    since_moves_a_cursor_forward,
    a_pull_without_changes_returns_the_same_cursor,
}

/// Pushes `count` products, each in a batch of its own. Returns their stamps.
async fn sell(till: &Till, count: usize) -> Vec<Stamp> {
    let mut stamps = Vec::new();
    for i in 0..count {
        stamps.push(till.push(&[product(&format!("p{i}"), &json!({"n": i}))]).await.stamp);
    }
    stamps
}

async fn page(till: &Till, query: &str) -> PullResponse {
    till.pull_raw(query).await.ok().unwrap()
}

fn ids(page: &PullResponse) -> Vec<&str> {
    page.changes.iter().map(|change| change.record_id.as_str()).collect()
}

async fn the_response_has_exactly_the_promised_members(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    sell(&till, 1).await;
    let body = json_body(&till.pull_raw("").await);
    assert_members(&body, "changes has_more history mode next_cursor stamp");
    let members =
        "branch_id data device_id is_deleted operation record_id server_updated_at stamp table_name version";
    assert_members(&body["changes"][0], members);
    assert_eq!((&body["mode"], &body["changes"][0]["branch_id"]), (&json!("changes"), &json!("1")));
}

async fn since_excludes_its_own_change_as_stamp_and_as_time(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stamps = sell(&till, 3).await;
    let middle = stamps[1];
    let by_time = middle.time().to_string();
    for since in [middle.0.to_string(), by_time] {
        assert_eq!(ids(&page(&till, &format!("since={since}")).await), ["p2"]);
    }
    let before = stamps[0].plus(1);
    assert_eq!(ids(&page(&till, &format!("since={}", before.time())).await), ["p1", "p2"]);
    // A stamp that no change has is of another history. A time may be any time.
    let reply = shop.pull_at(&format!("since={}", before.0), week_later()).await;
    let other = reply.ok::<PullResponse>().unwrap();
    assert_eq!((other.mode.as_str(), ids(&other)), ("snapshot", vec!["p0", "p1", "p2"]));
    // A cursor takes precedence over an earlier `since`, and a time in the future means HEAD.
    assert_eq!(
        ids(&page(&till, &format!("since=0&cursor={}", cursor_of(Role::Cashier, middle))).await),
        ["p2"]
    );
    let future = page(&till, "since=2200-01-01T00:00:00Z").await;
    assert_eq!((future.changes.len(), future.stamp), (0, stamps[2]));
}

async fn pages_of_any_size_return_the_same_changes(shop: &'static Shop) {
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
    // A pull may continue anywhere, even inside a batch.
    let part = till.pull_all(whole[20].stamp, 1000).await;
    assert_eq!(part, whole[21..]);
}

async fn a_table_filter_still_advances_the_cursor(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let customer = |id: &str| record("customers", id, &json!({}));
    till.push(&[product("p1", &json!({})), customer("c1"), product("p2", &json!({}))]).await;
    let last = till.push(&[product("p3", &json!({}))]).await.stamp;
    let found = page(&till, "tables=customers").await;
    assert_eq!((ids(&found), found.stamp, found.has_more), (vec!["c1"], last, false));
    assert_eq!(page(&till, "tables=customers,products").await.changes.len(), 4);
}

async fn an_empty_room_has_a_cursor(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let first = page(&till, "").await;
    assert_eq!(
        (first.changes.len(), first.has_more, &*first.next_cursor),
        (0, false, &*cursor_of(Role::Cashier, Stamp::ZERO))
    );
    sell(&till, 1).await;
    assert_eq!(page(&till, &format!("cursor={}", first.next_cursor)).await.changes.len(), 1);
}

async fn min_beyond_head_requires_a_reset(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let last = *sell(&till, 1).await.last().unwrap();
    let reply = till.pull_raw(&format!("min={}", last.plus(1).0)).await;
    assert_error(&reply, 410, "reset_required");
    assert!(
        till.pull_raw(&format!("min={}", cursor_of(Role::Cashier, last))).await.ok::<PullResponse>().is_ok()
    );
}

async fn a_role_pulls_only_its_tables(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let office = shop.office().await;
    let pushed = office.push(&[advance("a1"), product("p1", &json!({}))]).await;
    assert_eq!(pushed.synced_count, 2);
    let seen = page(&till, "").await;
    assert_eq!((ids(&seen), seen.stamp, seen.has_more), (vec!["p1"], pushed.stamp, false));
    let reply = till.pull_raw("tables=products,employee_advances").await;
    assert_error(&reply, 403, "table_forbidden");
    let (all, _) = office.api.pull(Stamp::ZERO, 100).await.unwrap();
    assert_eq!(ids(&all), ["a1", "p1"]);
}

async fn a_hundred_changes_cost_two_requests_and_five_units(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let text = |i: usize| format!("{:0>8}", i.wrapping_mul(2_654_435_761) % 100_000_000).repeat(32);
    for batch in 0..2_usize {
        let record = |i| product(&format!("p{batch}-{i}"), &json!({"name": text(batch * 50 + i)}));
        till.push(&(0..50).map(record).collect::<Vec<_>>()).await;
    }
    let (page, cost) = till.api.pull(Stamp::ZERO, 100).await.unwrap();
    assert_eq!((page.changes.len(), page.has_more), (100, false));
    assert!(page.changes.iter().all(|change| change.data.as_str().len() >= 256));
    assert!(cost.requests == 2 && cost.read_tenths <= 50 && cost.write_tenths == 0, "{cost:?}");
    let (page, cost) = till.api.pull(page.stamp, 100).await.unwrap();
    assert!(page.changes.is_empty() && cost.requests == 1 && cost.read_tenths <= 10, "{cost:?}");
}

async fn since_moves_a_cursor_forward(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let stamps = sell(&till, 3).await;
    let from = |cursor: Stamp, since: Stamp| {
        format!("cursor={}&since={}", cursor_of(Role::Cashier, cursor), since.0)
    };
    assert_eq!(ids(&page(&till, &from(stamps[0], stamps[1])).await), ["p2"]);
    assert_eq!(ids(&page(&till, &from(stamps[1], stamps[0])).await), ["p2"], "never back");
    let (cost, at_head) =
        (till.pull_raw(&from(stamps[0], stamps[2])).await.cost(), from(stamps[0], stamps[2]));
    assert!(page(&till, &at_head).await.changes.is_empty() && cost.requests == 1, "{cost:?}");
}

async fn a_pull_without_changes_returns_the_same_cursor(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let last = *sell(&till, 2).await.last().unwrap();
    let response = page(&till, &format!("cursor={}", cursor_of(Role::Cashier, last))).await;
    assert_eq!(
        (response.changes.len(), response.has_more, response.next_cursor),
        (0, false, cursor_of(Role::Cashier, last))
    );
}
