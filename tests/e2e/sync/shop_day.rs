//! A day of sales by several tills: a real day if its file exists, a generated one otherwise.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use protocol::role::Role;
use protocol::wire::auth::LoginRequest;
use tests::day::{self, Invoice};
use tests::fleet;
use tests::till::Till;
use tests::till::meter::Meter;
use tests::till::socket::SocketOptions;
use tokio::task::JoinSet;

use crate::shop::Shop;

const TILLS: usize = 3;
/// Invoices of the day that are sold here. `cargo xtask replay` sells all of them.
const INVOICES: usize = 30;

trials! {
    shared:
    all_tills_and_a_new_till_hold_the_whole_day,
}

/// That many invoices of the day.
pub(crate) fn day_of_sales(invoices: usize) -> Vec<Invoice> {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/online-retail/2010-12-01.csv");
    if real.exists() {
        day::read(&real).unwrap().into_iter().take(invoices).collect()
    } else {
        day::generated(invoices)
    }
}

/// Opens a till whose socket takes a frame for each commit, or one for each change.
async fn open(shop: &Shop, name: &str, takes_batches: bool) -> Arc<Till> {
    let login = shop.user(name, Role::Cashier, Some("1")).await;
    let login = LoginRequest { device_id: Some(name.parse().unwrap()), ..login };
    let options = SocketOptions { takes_batches, ..SocketOptions::default() };
    let meter = Arc::new(Meter::default());
    let till = Till::open_with(&shop.anonymous(), &login, meter, options).await.unwrap();
    till.connected().await;
    Arc::new(till)
}

async fn all_tills_and_a_new_till_hold_the_whole_day(shop: &'static Shop) {
    let day = day_of_sales(INVOICES);
    let (mut tills, mut selling, mut pulling) = (Vec::new(), JoinSet::new(), JoinSet::new());
    for (i, share) in fleet::deal(&day, TILLS).into_iter().enumerate() {
        let till = open(shop, &format!("till-{i}"), i > 0).await;
        let (seller, puller) = (till.clone(), till.clone());
        selling.spawn(async move { fleet::sell(&seller, &share, &AtomicUsize::new(0)).await.unwrap() });
        pulling.spawn(async move { puller.fill_gaps().await });
        tills.push(till);
    }
    selling.join_all().await;
    for till in &tills {
        till.pull_all().await.unwrap();
    }
    let fresh = open(shop, "fresh", true).await;
    fresh.pull_all().await.unwrap();
    assert_eq!(fleet::faults(&tills, &fresh, &day).unwrap(), Vec::<String>::new());
}
