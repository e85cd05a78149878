//! The tables are put back from a copy while tills are beyond it.

use functions::sync::branches::Branches;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use tests::restore_drill::{Size, Target, drill};

use crate::invariants;
use crate::replies::json as json_body;
use crate::shop::{Shop, product};

trials! {
    shared:
    a_restore_loses_nothing_that_a_till_had_acknowledged,
    every_answer_names_the_history_of_its_branch,
}

async fn a_restore_loses_nothing_that_a_till_had_acknowledged(shop: &'static Shop) {
    let world = shop.world;
    let place = Target {
        edge_url: world.edge_url.clone(),
        accounts: world.accounts.clone(),
        branches: Branches::new(world.dynamo.clone(), world.table.clone()),
        dynamo: world.dynamo.clone(),
        table: world.table.clone(),
        room: shop.room("drill"),
    };
    let report = drill(&place, Size { tills: 3, invoices: 4 }).await.unwrap();
    assert!(report.faults.is_empty(), "{report}");
    assert!(report.offered >= 12 && report.put_back.removed > 12, "{report}");
    invariants::check(world, &place.room, false).await;
}

async fn every_answer_names_the_history_of_its_branch(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = till.batch(Some("b1"), &[product("p1", &json!({}))]);
    let resolution = json!({ "device_id": "till-1", "table_name": "products", "record_id": "p1",
                             "resolution": "accept_server" });
    let answers = [
        till.push_raw(&batch).await,
        // From the marker.
        till.push_raw(&batch).await,
        till.pull_raw("").await,
        till.pull_raw("mode=snapshot").await,
        till.api.post("/api/sync/resolve-conflict", resolution.to_string()).await.unwrap(),
    ];
    let histories: Vec<Value> = answers.iter().map(|answer| json_body(answer)["history"].clone()).collect();
    assert!(histories[0].is_string() && histories.iter().all(|history| *history == histories[0]));
    let other = shop.till_of("till-2", "2").await;
    let pushed = other.push(&[product("p1", &json!({}))]).await;
    assert_ne!(pushed.history.as_deref(), histories[0].as_str());
    // A page of head office is of one branch, or of none.
    let office = shop.head_office().await;
    let mut query = "limit=1000".to_owned();
    let mut seen = Vec::new();
    loop {
        let reply = office.get(&format!("/api/sync/pull-changes?{query}")).await.unwrap();
        let page: PullResponse = reply.ok().unwrap();
        query = format!("cursor={}", page.next_cursor);
        let Some(branch) = page.branch_id else {
            assert_eq!(page.history, None);
            break;
        };
        seen.push((branch, page.history));
    }
    seen.sort();
    let one = histories[0].as_str().map(str::to_owned);
    assert_eq!(seen, [("1".to_owned(), one), ("2".to_owned(), pushed.history)]);
}
