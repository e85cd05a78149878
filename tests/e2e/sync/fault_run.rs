//! A busy day on which everything fails once: functions, Redis, the room, the hub and the worker itself. 50
//! tills with sockets sell meanwhile, and all end with the same records. Head office hears every change.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local::function_host::faults::HostFault;
use office::Office;
use protocol::stamp::Stamp;
use tests::api::Api;
use tests::fleet;
use tests::till::Till;
use tests::till::meter::Meter;
use tests::wait::poll;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::changed_edge::{ChangedEdge, EDGE_MODULE, observed_rooms, with_observed_rooms};
use crate::shop::{Shop, product};
use crate::sync::shop_day::day_of_sales;

mod office;

const TILLS: usize = 50;
const INVOICES: usize = 100;
/// Between two pulls of a till that gets no answer.
const PAUSE: Duration = Duration::from_millis(200);
/// Until a till that lost its socket has heard of the last commit.
const PATIENCE: Duration = Duration::from_secs(60);

trials! {
    shared:
    fifty_tills_end_alike_although_everything_fails_once,
}

async fn fifty_tills_end_alike_although_everything_fails_once(_: &'static Shop) {
    let (edge, day) = (ChangedEdge::start(with_observed_rooms).await, day_of_sales(INVOICES));
    let office = Office::open(edge.head_office().await.unchecked());
    let (mut tills, sold) = (Vec::new(), Arc::new(AtomicUsize::new(0)));
    for i in 0..TILLS {
        tills.push(open(&edge, &format!("till-{i}")).await);
    }
    let (mut selling, mut pulling) = (JoinSet::new(), JoinSet::new());
    for (till, share) in tills.iter().zip(fleet::deal(&day, TILLS)) {
        let (seller, puller, sold) = (Arc::clone(till), Arc::clone(till), Arc::clone(&sold));
        selling.spawn(async move { fleet::sell(&seller, &share, &sold).await.unwrap() });
        pulling.spawn(async move { pull_whenever_needed(&puller).await });
    }
    fail(&edge, &sold).await;
    selling.join_all().await;
    // Sockets that were lost are open again, and each till hears of the last commit.
    for till in &tills {
        till.connected().await;
    }
    let seller = edge.till("1:1", "last").await;
    let last = seller.push(&[product("last", &serde_json::json!({}))]).await.stamp;
    for till in &tills {
        poll(PATIENCE, async || till.read(|state| state.position), |at| *at >= last).await.unwrap();
    }
    let all = seller.pull_all(Stamp::ZERO, 500).await;
    let all: BTreeSet<Stamp> = all.into_iter().map(|change| change.stamp).collect();
    let heard = poll(PATIENCE, async || office.heard(), |heard| heard.stamps.len() >= all.len()).await;
    let heard = heard.unwrap_or_else(|heard| heard);
    assert_eq!(heard.stamps, all, "head office has heard other changes than there are");
    assert!(heard.frames > 0 && heard.connections > 1, "{} frames", heard.frames);
    let fresh = open(&edge, "fresh").await;
    fresh.pull_all().await.unwrap();
    assert_eq!(fleet::faults(&tills, &fresh, &day).unwrap(), Vec::<String>::new());
    assert!(tills.iter().all(|till| till.read(|state| state.queue.is_empty())));
    pulling.shutdown().await;
    edge.stop().await;
}

/// Lets everything fail, one after the other, each after some more invoices.
async fn fail(edge: &ChangedEdge, sold: &AtomicUsize) {
    let after = async |invoices: usize| {
        poll(PATIENCE, async || sold.load(Ordering::Relaxed), |sold| *sold >= invoices).await.unwrap();
    };
    let api = edge.api();
    let begun = async || edge.observe::<u64>("begun", "1:1").await;

    after(10).await;
    for (fault, times) in [(HostFault::Down, 20), (HostFault::LostResponse, 20), (HostFault::Status(502), 20)]
    {
        edge.stack.host_faults().inject("1", fault, times);
    }
    after(25).await;
    let before = begun().await;
    edge.observe::<serde_json::Value>("forget", "1:1").await;
    assert_eq!(begun().await, before + 1, "the room has lost its memory");
    after(40).await;
    edge.stack.redis().engine().kill().await;
    after(50).await;
    edge.stack.redis().engine().restart().await.unwrap();
    after(60).await;
    let before = begun().await;
    edge.kill("1:1").await;
    edge.kill("1:*").await;
    poll(PATIENCE, begun, |begun| *begun > before).await.unwrap();
    after(75).await;
    redeploy(edge, &api).await;
}

/// Has wrangler serve another version of the worker, and waits for it.
async fn redeploy(edge: &ChangedEdge, api: &Api) {
    let version = fleet::batch_id();
    let module = edge.folder().join(EDGE_MODULE);
    std::fs::write(module, observed_rooms(&version)).unwrap();
    let served = async || api.get("/test/version").await.map(|reply| reply.body).unwrap_or_default();
    poll(PATIENCE, served, |served| *served == version).await.unwrap();
}

async fn open(edge: &ChangedEdge, device: &str) -> Arc<Till> {
    let login = edge.login("1:1", device).await;
    let api = edge.api();
    let till = Till::open(&api, &login, Arc::new(Meter::default())).await.unwrap();
    till.connected().await;
    Arc::new(till)
}

/// Pulls whenever the till misses something, and again if that fails.
async fn pull_whenever_needed(till: &Till) {
    loop {
        if till.pull_all().await.is_ok() {
            // Ends with an error only.
            let _ = till.fill_gaps().await;
        }
        sleep(PAUSE).await;
    }
}
