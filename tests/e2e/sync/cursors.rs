//! What cursors show, and what walks read.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lambda_http::Body;
use lambda_http::http::Request;
use protocol::endpoints::function::Function;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::TOKEN_HEADER;
use protocol::wire::auth::User;
use protocol::wire::pull::PullResponse;
use serde_json::json;

use crate::replies::assert_error;
use crate::shop::{Shop, advance, cursor_of, hall, product};
use crate::sync::absence::{expire_log, week_later};
use crate::world::cashier;

trials! {
    shared:
    a_walk_cursor_names_no_record_and_belongs_to_its_tenant,
    a_walk_of_one_table_reads_only_that_table,
    a_cursor_of_a_newer_server_is_503_and_garbage_is_400,
}

async fn a_walk_cursor_names_no_record_and_belongs_to_its_tenant(shop: &'static Shop) {
    let office = shop.office().await;
    office
        .push(&[advance("anna"), advance("ben"), product("green-tea", &json!({})), product("p2", &json!({}))])
        .await;
    let till = shop.till("till-1").await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    let mut cursors = Vec::new();
    let page: PullResponse = shop.pull_at("limit=1", week_later()).await.ok().unwrap();
    assert_eq!((page.mode.as_str(), page.changes.len(), page.has_more), ("snapshot", 1, true));
    cursors.push(page.next_cursor.clone());
    let user = User { role: Role::SuperAdmin, branch_id: None, ..cashier(&shop.client) };
    let request = Request::get("/pullChanges?limit=1")
        .header(TOKEN_HEADER, shop.world.token_of(&user, week_later()))
        .body(Body::Empty)
        .unwrap();
    let reply = shop.world.call(Function::PullChanges, request, week_later()).await;
    cursors.push(reply.ok::<PullResponse>().unwrap().next_cursor);
    for cursor in &cursors {
        let shown = decoded(cursor);
        for name in ["employee", "advances", "anna", "product", "green-tea"] {
            assert!(!cursor.contains(name) && !shown.contains(name), "{cursor} shows {name}");
        }
    }
    // The same progress gives the same cursor, and only its own branch can use it.
    let walk = &cursors[0];
    let next = till.pull_raw(&format!("cursor={walk}&limit=1")).await.ok::<PullResponse>().unwrap();
    assert_eq!(next.snapshot_id, page.snapshot_id);
    let again = till.pull_raw(&format!("cursor={walk}&limit=1")).await.ok::<PullResponse>().unwrap();
    assert_eq!(next.next_cursor, again.next_cursor);
    let next_branch = shop.till_of("till-2", "2").await;
    let tenant = shop.other_tenant();
    for other in [&next_branch, &tenant.till("till-1").await] {
        assert_error(&other.pull_raw(&format!("cursor={walk}")).await, 400, "bad_cursor");
    }
    let mut changed = walk.clone();
    let at = changed.len() - 4;
    let other = if changed.as_bytes()[at] == b'A' { "B" } else { "A" };
    changed.replace_range(at..=at, other);
    assert_error(&till.pull_raw(&format!("cursor={changed}")).await, 400, "bad_cursor");
    let other_office = tenant.head_office().await;
    let reply = other_office.get(&format!("/api/sync/pull-changes?cursor={}", cursors[1])).await.unwrap();
    assert_error(&reply, 400, "bad_cursor");
}

async fn a_walk_of_one_table_reads_only_that_table(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let wide = json!({ "note": "x".repeat(2000) });
    for batch in 0..2 {
        let records: Vec<_> = (0..50).map(|i| product(&format!("p{batch}-{i}"), &wide)).collect();
        till.push(&records).await;
    }
    till.push(&[hall("h1", &json!({}))]).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    // HEAD, the expired log, and the table: at least one unit each, whatever the others hold.
    for (tables, found) in [("customers", 0), ("halls", 1), ("customers,halls,settings", 1)] {
        let reply = shop.pull_at(&format!("tables={tables}"), week_later()).await;
        let cost = reply.cost();
        let page: PullResponse = reply.ok().unwrap();
        assert_eq!((page.mode.as_str(), page.changes.len(), page.has_more), ("snapshot", found, false));
        let ranges = tables.split(',').count() as u64;
        assert!(cost.requests == 2 + ranges && cost.read_tenths <= 10 * (2 + ranges), "{tables}: {cost:?}");
    }
    // Pages end where the limit is, also between two ranges.
    let page =
        shop.pull_at("tables=halls,products&limit=1", week_later()).await.ok::<PullResponse>().unwrap();
    assert_eq!((page.changes[0].record_id.as_str(), page.has_more), ("h1", true));
    let query = format!("tables=halls,products&limit=1000&cursor={}", page.next_cursor);
    let rest = shop.pull_at(&query, week_later()).await.ok::<PullResponse>().unwrap();
    assert_eq!((rest.changes.len(), rest.has_more, rest.snapshot_id), (100, false, page.snapshot_id));
}

async fn a_cursor_of_a_newer_server_is_503_and_garbage_is_400(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let head_office = shop.head_office().await;
    for cursor in ["p2.5.x", "w2.x", "s2.x", "v3.x"] {
        let reply = till.pull_raw(&format!("cursor={cursor}")).await;
        assert_error(&reply, 503, "unavailable");
        assert!(reply.headers.contains_key("retry-after"));
    }
    let reply = head_office.get("/api/sync/pull-changes?cursor=h3.x").await.unwrap();
    assert_error(&reply, 503, "unavailable");
    for cursor in ["x", "p1.5", "p9", "w1.AAAAAAAAAAA.local.AAAA", "h1.AA", "h2.x"] {
        assert_error(&till.pull_raw(&format!("cursor={cursor}")).await, 400, "bad_cursor");
    }
    // An older server did not say which tables its reader could read: a snapshot, once.
    let last = till.push(&[product("p1", &json!({}))]).await.stamp;
    for old in [format!("v1.{}", last.0), format!("s1.{}.{}.", last.0, last.0)] {
        let page: PullResponse = shop.pull_at(&format!("cursor={old}"), week_later()).await.ok().unwrap();
        assert_eq!((page.mode.as_str(), page.changes.len()), ("snapshot", 1), "{old}");
        assert_eq!(page.next_cursor, cursor_of(Role::Cashier, last));
    }
    let same: PullResponse =
        till.pull_raw(&format!("cursor={}", cursor_of(Role::Cashier, last))).await.ok().unwrap();
    assert_eq!((same.mode.as_str(), same.changes.len(), same.stamp > Stamp::ZERO), ("changes", 0, true));
}

/// Every part of `cursor` that is base64, decoded.
fn decoded(cursor: &str) -> String {
    let parts = cursor.split('.').filter_map(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    parts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
}
