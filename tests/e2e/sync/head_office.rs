//! `GET /api/sync/pull-changes` by head office: one branch, or all branches with one cursor.

use std::collections::BTreeMap;

use protocol::role::Role;
use protocol::timestamp::DAY_SECS;
use protocol::wire::pull::PullResponse;
use serde_json::json;
use tests::api::{Api, Reply};
use tests::fleet;
use tests::till::state::State;

use crate::replies::assert_error;
use crate::shop::{Shop, before_now, cursor_of, product, with};
use crate::sync::absence::{expire_log, live};
use crate::till::Till;

trials! {
    shared:
    head_office_pulls_one_branch,
    head_office_pulls_all_branches_with_one_cursor,
    a_new_branch_joins_the_pull_of_all_branches,
    since_applies_to_every_branch,
    a_branch_with_an_expired_log_gets_a_snapshot,
    only_head_office_names_another_branch,
    bad_pulls_of_all_branches_are_refused,
}

async fn sell(till: &Till, ids: &[&str]) {
    let records: Vec<_> = ids.iter().map(|id| product(id, &json!({}))).collect();
    till.push(&records).await;
}

async fn ask(office: &Api, query: &str) -> Reply {
    office.get(&format!("/api/sync/pull-changes?{query}")).await.unwrap()
}

/// Pulls all branches from `cursor` to the end. Returns branch and id of each change, in order, and the last
/// cursor.
async fn follow(office: &Api, cursor: &str, limit: usize) -> (Vec<(String, String)>, String) {
    let (mut rows, mut next) = (Vec::new(), cursor.to_owned());
    loop {
        let page: PullResponse = ask(office, &format!("cursor={next}&limit={limit}")).await.ok().unwrap();
        assert!(page.changes.len() <= limit);
        assert!(page.changes.iter().all(|row| Some(&row.branch_id) == page.branch_id.as_ref()));
        rows.extend(page.changes.into_iter().map(|row| (row.branch_id, row.record_id)));
        next = page.next_cursor;
        if !page.has_more {
            return (rows, next);
        }
    }
}

fn sorted(mut rows: Vec<(String, String)>) -> Vec<String> {
    rows.sort();
    rows.into_iter().map(|(branch, id)| format!("{branch}:{id}")).collect()
}

async fn head_office_pulls_one_branch(shop: &'static Shop) {
    let (first, second) = (shop.till_of("till-1", "1").await, shop.till_of("till-2", "2").await);
    sell(&first, &["a"]).await;
    let stamp = second.push(&[product("b", &json!({})), product("c", &json!({}))]).await.stamp;
    let office = shop.head_office().await;
    let page: PullResponse = ask(&office, "branch_id=2&limit=1").await.ok().unwrap();
    assert_eq!((page.changes[0].record_id.as_str(), page.has_more, page.branch_id), ("b", true, None));
    let next = ask(&office, &format!("branch_id=2&cursor={}&min={}", page.next_cursor, stamp.0)).await;
    let page: PullResponse = next.ok().unwrap();
    assert_eq!(
        (page.changes[0].record_id.as_str(), page.next_cursor),
        ("c", cursor_of(Role::SuperAdmin, stamp))
    );
    // A branch without changes is empty.
    shop.branch("9").await;
    assert!(ask(&office, "branch_id=9").await.ok::<PullResponse>().unwrap().changes.is_empty());
}

async fn head_office_pulls_all_branches_with_one_cursor(shop: &'static Shop) {
    let (first, second) = (shop.till_of("till-1", "1").await, shop.till_of("till-2", "2").await);
    let office = shop.head_office().await;
    let nothing: PullResponse = ask(&office, "").await.ok().unwrap();
    assert_eq!((nothing.changes.len(), nothing.has_more, nothing.stamp.0), (0, false, 0));
    sell(&first, &["a", "b", "c"]).await;
    sell(&second, &["a", "d"]).await;
    let (rows, cursor) = follow(&office, "", 2).await;
    assert_eq!(sorted(rows), ["1:a", "1:b", "1:c", "2:a", "2:d"]);
    // A pull without changes reads the list of branches and their HEADs.
    let reply = ask(&office, &format!("cursor={cursor}")).await;
    let page: PullResponse = reply.ok().unwrap();
    assert_eq!((page.changes.len(), page.has_more, &page.next_cursor), (0, false, &cursor));
    assert_eq!(reply.cost().requests, 2);
    // A busy branch does not hold back the others.
    sell(&first, &["e", "f", "g", "h"]).await;
    sell(&second, &["i"]).await;
    let page: PullResponse = ask(&office, &format!("cursor={cursor}&limit=1")).await.ok().unwrap();
    let next: PullResponse =
        ask(&office, &format!("cursor={}&limit=1", page.next_cursor)).await.ok().unwrap();
    assert_ne!(page.branch_id, next.branch_id);
    assert_eq!(sorted(follow(&office, &cursor, 100).await.0), ["1:e", "1:f", "1:g", "1:h", "2:i"]);
}

async fn a_new_branch_joins_the_pull_of_all_branches(shop: &'static Shop) {
    let office = shop.head_office().await;
    sell(&shop.till_of("till-1", "1").await, &["a"]).await;
    let (_, cursor) = follow(&office, "", 100).await;
    sell(&shop.till_of("till-3", "3").await, &["b", "c"]).await;
    assert_eq!(sorted(follow(&office, &cursor, 100).await.0), ["3:b", "3:c"]);
}

async fn since_applies_to_every_branch(shop: &'static Shop) {
    let (first, second) = (shop.till_of("till-1", "1").await, shop.till_of("till-2", "2").await);
    sell(&first, &["a"]).await;
    let between = second.push(&[product("b", &json!({}))]).await.stamp;
    sell(&first, &["c"]).await;
    let office = shop.head_office().await;
    for since in [between.0.to_string(), between.time().to_string()] {
        let page: PullResponse = ask(&office, &format!("since={since}")).await.ok().unwrap();
        assert_eq!((page.changes.len(), page.changes[0].record_id.as_str(), page.has_more), (1, "c", false));
    }
    // A branch without changes since then continues from its current position.
    let page: PullResponse = ask(&office, &format!("since={}", fleet::now())).await.ok().unwrap();
    assert_eq!((page.changes.len(), page.has_more), (0, false));
    sell(&second, &["d"]).await;
    assert_eq!(sorted(follow(&office, &page.next_cursor, 100).await.0), ["2:d"]);
}

async fn a_branch_with_an_expired_log_gets_a_snapshot(shop: &'static Shop) {
    let then = before_now(8 * DAY_SECS);
    let record = |id: &str| with(product(id, &json!({})), "local_updated_at", then.to_string());
    shop.till("till-1").await;
    shop.push_at(&["a", "b", "c", "d"].map(record), then).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    let second = shop.till_of("till-2", "2").await;
    sell(&second, &["e", "f"]).await;
    let office = shop.head_office().await;
    let (mut followers, mut next, mut modes) = (BTreeMap::<String, State>::new(), String::new(), Vec::new());
    loop {
        let page: PullResponse = ask(&office, &format!("cursor={next}&limit=2")).await.ok().unwrap();
        let branch = page.branch_id.clone().unwrap();
        modes.push((branch.clone(), page.mode.clone()));
        assert_eq!(page.snapshot_id.is_some(), page.mode == "snapshot");
        followers.entry(branch).or_default().take_page(&page);
        if !page.has_more {
            break;
        }
        next = page.next_cursor;
        // The other branch sells between the first pages of the snapshot.
        if modes.len() < 4 {
            sell(&second, &[["g", "h", "i"][modes.len() - 1]]).await;
        }
    }
    assert_eq!(live(&followers["1"]), ["a", "b", "c", "d"]);
    assert_eq!(live(&followers["2"]), ["e", "f", "g", "h", "i"]);
    let snapshot_pages = modes.iter().filter(|(branch, mode)| branch == "1" && mode == "snapshot").count();
    let others_have_changes = modes.iter().all(|(branch, mode)| branch == "1" || mode == "changes");
    assert!(snapshot_pages >= 2 && others_have_changes, "{modes:?}");
}

async fn only_head_office_names_another_branch(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    assert_error(&till.pull_raw("branch_id=2").await, 403, "branch_forbidden");
    assert_eq!(till.pull_raw("branch_id=1").await.status, 200);
    let office = shop.head_office().await;
    sell(&till, &["a"]).await;
    let (_, cursor) = follow(&office, "", 100).await;
    assert_eq!(till.pull_raw(&format!("cursor={cursor}")).await.code().as_deref(), Some("bad_cursor"));
    // Another tenant's head office sees only its own branches, with any cursor and any branch id.
    let other = shop.other_tenant().head_office().await;
    for query in [String::new(), format!("cursor={cursor}")] {
        assert!(ask(&other, &query).await.ok::<PullResponse>().unwrap().changes.is_empty(), "{query}");
    }
    assert_error(&ask(&other, "branch_id=1").await, 404, "branch_not_found");
}

async fn bad_pulls_of_all_branches_are_refused(shop: &'static Shop) {
    let office = shop.head_office().await;
    let cases = [
        ("cursor=v1.5", "bad_cursor"),
        ("cursor=s1.5.6.", "bad_cursor"),
        ("branch_id=1&cursor=v2.AA", "bad_cursor"),
        ("min=5", "bad_min"),
        ("branch_id=a%23b", "bad_request"),
    ];
    for (query, code) in cases {
        let reply = ask(&office, query).await;
        assert_error(&reply, 400, code);
    }
}
