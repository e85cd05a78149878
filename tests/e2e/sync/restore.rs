//! The tables are put back from a copy while tills are beyond it.

use functions::sync::branches::Branches;
use tests::restore_drill::{Size, Target, drill};

use crate::invariants;
use crate::shop::Shop;

trials! {
    shared:
    a_restore_loses_nothing_that_a_till_had_acknowledged,
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
