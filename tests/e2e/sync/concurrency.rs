//! Concurrent devices: every batch is applied exactly once.

use protocol::stamp::Stamp;
use serde_json::json;
use tokio::task::JoinSet;

use crate::shop::{Shop, product, with};

trials! {
    shared:
    sixteen_concurrent_devices_all_commit,
    a_batch_sent_twice_concurrently_is_applied_once,
}

async fn sixteen_concurrent_devices_all_commit(shop: &'static Shop) {
    const TILLS: usize = 16;
    const BATCHES: usize = 3;
    let mut pushes = JoinSet::new();
    for i in 0..TILLS {
        let till = shop.till(&format!("till-{i}")).await;
        pushes.spawn(async move {
            for n in 0..BATCHES {
                let records =
                    [product(&format!("p{i}-{n}"), &json!({"n": n})), product("shared", &json!({"by": i}))];
                let response = till.push_with_retries(&till.batch(Some(&format!("b{n}")), &records)).await;
                assert_eq!(response.errors.len(), 0);
                assert!(response.applied.iter().any(|applied| applied.index == 0));
            }
        });
    }
    pushes.join_all().await;
    let till = shop.till("reader").await;
    let changes = till.pull_all(Stamp::ZERO, 7).await;
    let own = changes.iter().filter(|change| change.record_id != "shared").count();
    assert_eq!(own, TILLS * BATCHES);
}

async fn a_batch_sent_twice_concurrently_is_applied_once(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for n in 0..5 {
        let record = with(product(&format!("p{n}"), &json!({"n": n})), "base_version", 0);
        let batch = till.batch(Some(&format!("b{n}")), &[record]);
        let (a, b) = tokio::join!(till.push_with_retries(&batch), till.push_with_retries(&batch));
        assert_eq!((a.stamp, a.applied[0].version), (b.stamp, b.applied[0].version));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 5);
}
