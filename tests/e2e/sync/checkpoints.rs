//! Head office's checkpoints: the positions of more branches than a cursor can name.

use std::collections::BTreeSet;

use functions::dynamo::item::Item;
use functions::sync::keys;
use local::dynamo::faults::Fault;
use protocol::timestamp::DAY_SECS;
use protocol::wire::pull::PullResponse;
use sync::limits::{CURSOR_BYTES_MAX, LOG_SETTLE_SECS, MARKER_RETENTION_SECS};

use super::many_branches::{branch, delete, follow, open, pull, pull_at, sell, wait_for_note};
use crate::invariants::partition;
use crate::replies::assert_error;
use crate::shop::Shop;
use tests::fleet;

trials! {
    shared:
    a_thousand_branches_are_followed_with_one_short_cursor,
    a_lost_checkpoint_leads_to_snapshots,
}

/// The items of head office's checkpoints.
async fn checkpoints(shop: &Shop) -> Vec<Item> {
    let pk = keys::checkpoints(&shop.client.parse().unwrap());
    partition(&shop.world.dynamo, &shop.world.table, pk).await
}

async fn a_thousand_branches_are_followed_with_one_short_cursor(shop: &'static Shop) {
    open(shop, 1000, 0).await;
    let office = shop.head_office().await;
    let since = format!("/api/sync/pull-changes?since={}", fleet::now());
    let first: PullResponse = office.get(&since).await.unwrap().ok().unwrap();
    assert_eq!((first.changes.len(), first.has_more), (0, false));
    assert_eq!(checkpoints(shop).await.len(), 1);
    let (page, reply) = pull(&office, &first.next_cursor).await;
    assert!(
        page.next_cursor.starts_with("h2.") && page.next_cursor.len() <= CURSOR_BYTES_MAX && !page.has_more
    );
    assert!(reply.cost().read_tenths <= 400 && reply.cost().write_tenths == 0, "{:?}", reply.cost());
    // Changes of some branches, one of them new; a repeated request gets the same page.
    for i in [1, 500, 999] {
        let last = sell(shop, i, "p").await.stamp;
        wait_for_note(shop, i, last).await;
    }
    shop.branch(&branch(1000)).await;
    let last = sell(shop, 1000, "p").await.stamp;
    wait_for_note(shop, 1000, last).await;
    let (one, _) = pull(&office, &page.next_cursor).await;
    let (again, _) = pull(&office, &page.next_cursor).await;
    assert_eq!((&one.branch_id, &one.next_cursor), (&again.branch_id, &again.next_cursor));
    let (rest, modes, cursor) = follow(shop, page.next_cursor).await;
    let branches: BTreeSet<&str> = rest.keys().map(String::as_str).collect();
    assert_eq!(branches, BTreeSet::from(["b1", "b1000", "b500", "b999"]));
    assert_eq!(modes, BTreeSet::from(["changes".to_owned()]));
    // The cursor names the changes itself, so that the checkpoint stays; its use prolongs its life.
    let [item]: [Item; 1] = checkpoints(shop).await.try_into().unwrap();
    let ttl = |item: &Item| item["ttl"].as_n().unwrap().parse::<u64>().unwrap();
    let later = fleet::now().plus_secs(MARKER_RETENTION_SECS / 2 + DAY_SECS);
    let page: PullResponse = pull_at(shop, &format!("cursor={cursor}"), later).await.ok().unwrap();
    assert!(!page.has_more);
    let [renewed]: [Item; 1] = checkpoints(shop).await.try_into().unwrap();
    assert!(ttl(&renewed) > ttl(&item) + MARKER_RETENTION_SECS / 2);
    // Another tenant has no such checkpoint, and no such branches.
    let other = shop.other_tenant().head_office().await;
    assert!(pull(&other, &cursor).await.0.changes.is_empty());
    // A page whose checkpoint cannot be stored is no page.
    let writes = format!("CURSOR#{}", shop.client);
    shop.world.dynamo_faults.inject(&writes, "UpdateItem", Fault::Throttled, 1000);
    let reply = office.get(&since).await.unwrap();
    shop.world.dynamo_faults.clear(&writes);
    assert_error(&reply, 503, "unavailable");
}

async fn a_lost_checkpoint_leads_to_snapshots(shop: &'static Shop) {
    let branches = 220;
    open(shop, branches, branches).await;
    let (held, _, cursor) = follow(shop, String::new()).await;
    assert!(cursor.starts_with("h2.") && held.len() == branches);
    delete(shop, checkpoints(shop).await).await;
    let later = fleet::now().plus_secs(LOG_SETTLE_SECS);
    let (mut snapshots, mut next) = (0, cursor);
    loop {
        let page: PullResponse =
            pull_at(shop, &format!("cursor={next}&limit=1000"), later).await.ok().unwrap();
        if let Some(branch) = &page.branch_id {
            assert_eq!((page.mode.as_str(), page.changes.len()), ("snapshot", 1), "{branch}");
            snapshots += 1;
        }
        next = page.next_cursor;
        if !page.has_more {
            break;
        }
    }
    assert!(snapshots >= 190, "all but those that the cursor named: {snapshots}");
}
