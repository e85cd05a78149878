//! Snapshots that a client asks for: the records as they are, wherever it stands.

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use tests::wait::poll;

use crate::replies::{assert_error, source};
use crate::shop::{Shop, before_now, cursor_of, record, with};
use crate::till::Till;

trials! {
    shared:
    changed_rows_come_once_in_a_snapshot,
    the_page_at_the_head_answers_no_pull_of_a_snapshot,
    head_office_gets_a_snapshot_of_each_branch,
}

const ROWS: usize = 25;
const CHANGES: usize = 20;
/// Longer than a room needs to trust its queue after it has started.
const DEADLINE: Duration = Duration::from_secs(60);
const STOCK: &str = "mode=snapshot&tables=product_stock";

/// 25 rows of stock with 20 changes each, older than a minute. Returns the room's last stamp.
async fn stock(shop: &'static Shop) -> Stamp {
    let mut last = Stamp::ZERO;
    for change in 0..CHANGES {
        let row = |i: usize| match change {
            0 => record("product_stock", &format!("p{i}"), &json!({ "quantity": 5 })),
            _ => one_more(i),
        };
        let rows: Vec<Value> = (0..ROWS).map(row).collect();
        let batch = json!({ "device_id": "till-1", "batch_id": format!("b{change}"), "records": rows });
        last = shop.push_batch_at(&batch, before_now(120 - change as u64)).await.stamp;
    }
    last
}

/// One more of row `i`.
fn one_more(i: usize) -> Value {
    let delta = json!({ "quantity": { "$delta": "1" } });
    with(record("product_stock", &format!("p{i}"), &delta), "fields", vec!["quantity"])
}

/// Pulls with `query` in each request until there is no more. Returns the pages.
async fn pages(till: &Till, query: &str, cursor: Option<String>) -> Vec<PullResponse> {
    let (mut pages, mut cursor) = (Vec::<PullResponse>::new(), cursor);
    while pages.last().is_none_or(|page| page.has_more) {
        assert!(pages.len() < 100, "there is always more");
        let at = cursor.iter().map(|cursor| format!("&cursor={cursor}")).collect::<String>();
        let page: PullResponse = till.pull_raw(&format!("{query}{at}")).await.ok().unwrap();
        cursor = Some(page.next_cursor.clone());
        pages.push(page);
    }
    pages
}

fn quantities(pages: &[PullResponse]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.changes).map(|change| change.data.as_str().to_owned()).collect()
}

async fn changed_rows_come_once_in_a_snapshot(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let last = stock(shop).await;
    assert_eq!(till.pull_all(Stamp::ZERO, 1000).await.len(), ROWS * CHANGES, "the log has every change");
    let here = cursor_of(Role::Cashier, last);
    for cursor in [None, Some(here), Some(cursor_of(Role::Cashier, Stamp::ZERO))] {
        let pages = pages(&till, &format!("{STOCK}&limit=7"), cursor).await;
        assert!(pages.iter().all(|page| page.mode == "snapshot" && page.snapshot_id == pages[0].snapshot_id));
        assert_eq!(quantities(&pages), vec![format!(r#"{{"quantity":{}}}"#, 5 + CHANGES - 1); ROWS]);
        assert_eq!(pages.last().unwrap().stamp, last);
    }
    // With recent changes the snapshot has a tail, and asking with each page still gives one snapshot.
    till.push_batch(&till.batch(Some("recent"), &[one_more(3)])).await;
    let pages = pages(&till, &format!("{STOCK}&limit=7"), None).await;
    let (walk, tail): (Vec<_>, Vec<_>) = pages.iter().partition(|page| page.mode == "snapshot");
    assert!(walk.iter().all(|page| page.snapshot_id == walk[0].snapshot_id));
    let ids = |pages: &[&PullResponse]| -> Vec<String> {
        pages.iter().flat_map(|page| &page.changes).map(|change| change.record_id.clone()).collect()
    };
    assert_eq!(ids(&tail), ["p3"]);
    // Pages of the walk may be those that the edge has from before.
    let all: BTreeSet<String> = ids(&walk).into_iter().chain(ids(&tail)).collect();
    assert_eq!(all.len(), ROWS);
    let refused = till.pull_raw("mode=changes").await;
    assert_error(&refused, 400, "bad_request");
}

async fn the_page_at_the_head_answers_no_pull_of_a_snapshot(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let last = stock(shop).await;
    let here = format!("cursor={}", cursor_of(Role::Cashier, last));
    let by_room = async || till.pull_raw(&here).await;
    let plain = poll(DEADLINE, by_room, |reply| source(reply) == Some("room")).await.unwrap();
    assert!(plain.ok::<PullResponse>().unwrap().changes.is_empty());
    for _ in 0..3 {
        let page: PullResponse =
            till.pull_raw(&format!("{here}&mode=snapshot&limit=1000")).await.ok().unwrap();
        assert_eq!((page.mode.as_str(), page.changes.len()), ("snapshot", ROWS));
    }
    assert_eq!(source(&by_room().await), Some("room"), "the room still has its page");
}

async fn head_office_gets_a_snapshot_of_each_branch(shop: &'static Shop) {
    shop.till("till-1").await;
    stock(shop).await;
    shop.till_of("till-2", "2").await.push(&[record("halls", "h1", &json!({}))]).await;
    let office = Till { api: shop.head_office().await, device: "office".into() };
    let pages = pages(&office, "mode=snapshot&limit=10", None).await;
    let of = |branch: &str| -> Vec<&PullResponse> {
        pages.iter().filter(|page| page.branch_id.as_deref() == Some(branch)).collect()
    };
    for (branch, rows) in [("1", ROWS), ("2", 1)] {
        assert_eq!(of(branch)[0].mode, "snapshot", "branch {branch}");
        assert_eq!(of(branch).iter().map(|page| page.changes.len()).sum::<usize>(), rows);
    }
}
