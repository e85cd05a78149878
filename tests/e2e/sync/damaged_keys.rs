//! Items in the sync table with keys that no release writes: each is passed over.

use functions::dynamo::item::key;
use functions::sync::keys;
use protocol::wire::dead_letters::DeadLettersResponse;
use protocol::wire::pull::PullResponse;
use serde_json::json;
use sync::limits::LOG_SETTLE_SECS;
use tests::fleet;
use tests::till::state::State;

use super::damage::{BEYOND, sale, stats};
use crate::shop::{Shop, hall};
use crate::stored::Stored;
use crate::sync::absence::live;

trials! {
    shared:
    a_key_that_names_no_branch_does_not_fail_head_office,
    a_key_that_names_no_record_does_not_fail_a_walk,
    a_key_that_names_no_dead_letter_does_not_fail_the_list,
}

/// Puts items with these sort keys. Returns them, to be removed.
async fn put_all(shop: &'static Shop, pk: String, sks: &[&str]) -> Vec<Stored> {
    let mut stored = Vec::new();
    for sk in sks {
        stored.push(Stored::add(shop, &shop.world.table, key(pk.clone(), *sk)).await);
    }
    stored
}

async fn a_key_that_names_no_branch_does_not_fail_head_office(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[sale("a", 1)]).await;
    let office = shop.head_office().await;
    let client = keys::client(&shop.room("1").client);
    put_all(shop, client, &["BRANCH#", "BRANCH#a b", "BRANCH#1#2"]).await;
    let page: PullResponse = office.get("/api/sync/pull-changes").await.unwrap().ok().unwrap();
    assert_eq!((page.branch_id.as_deref(), page.changes.len(), page.has_more), (Some("1"), 1, false));
}

async fn a_key_that_names_no_record_does_not_fail_a_walk(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let records = [sale("a", 1), sale("b", 1), hall("h", &json!({}))];
    let stamp = till.push(&records).await.stamp;
    // Between the records of two neighbouring tables.
    let stored = put_all(shop, keys::room(&shop.room("1")), &["REC#p", "REC#printers", "REC#products"]).await;
    let later = fleet::now().plus_secs(LOG_SETTLE_SECS + 1);
    for limit in [1, 2, 100] {
        let mut state = State::default();
        let mut query = format!("cursor={BEYOND}&limit={limit}");
        for page in 0.. {
            assert!(page < 10, "the walk does not end with pages of {limit}");
            let page: PullResponse = shop.pull_at(&query, later).await.ok().unwrap();
            assert!(page.damaged.is_empty(), "a till has no record of such a key");
            query = format!("cursor={}&limit={limit}", page.next_cursor);
            if !state.take_page(&page).more {
                break;
            }
        }
        assert_eq!(live(&state), ["h", "a", "b"], "pages of {limit}");
    }
    assert_eq!(stats(&till, stamp).await.corrupt, 3);
    for stored in stored {
        stored.remove().await;
    }
}

async fn a_key_that_names_no_dead_letter_does_not_fail_the_list(shop: &'static Shop) {
    let (till, manager) = (shop.till("till-1").await, shop.manager().await);
    till.push(&[json!("a"), json!("b")]).await;
    let stamp = till.push(&[json!("c")]).await.stamp;
    let bad = ["DEAD#0", "DEAD#1", "DEAD#11", "DEAD#9", "DEAD#91", "DEAD#92"];
    put_all(shop, keys::room(&shop.room("1")), &bad).await;
    for limit in [1, 2, 100] {
        let (mut found, mut cursor) = (0, String::new());
        for page in 0.. {
            assert!(page < 10, "the list does not end with pages of {limit}");
            let path = format!("/api/sync/dead-letters?limit={limit}{cursor}");
            let page: DeadLettersResponse = manager.get(&path).await.unwrap().ok().unwrap();
            found += page.dead_letters.len();
            cursor = format!("&cursor={}", page.next_cursor);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(found, 3, "pages of {limit}");
    }
    assert_eq!(stats(&till, stamp).await.corrupt, 6);
}
