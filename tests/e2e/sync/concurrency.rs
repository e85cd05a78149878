//! Many devices at once: every sale is applied exactly once, whatever the order.

use libtest_mimic::Trial;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::json;
use tokio::task::JoinSet;

use crate::shop::{Shop, Till, product, with};

pub(crate) fn trials() -> Vec<Trial> {
    trials![sixteen_devices_that_push_at_once_all_get_in, the_same_batch_sent_twice_at_once_is_applied_once,]
}

/// How often a batch may be told to come back. It was decided a dozen times each time: more would be starving.
const TOLD_MAX: usize = 10;

/// Pushes until it is taken.
async fn until_taken(till: &Till, batch: &serde_json::Value) -> PushResponse {
    for _ in 0..=TOLD_MAX {
        let reply = till.push_raw(batch).await;
        if reply.status.as_u16() != 503 {
            return reply.ok().unwrap();
        }
        // Or a dozen decisions took longer than the edge waits.
        assert!(matches!(reply.code().as_deref(), Some("busy" | "unavailable")), "{}", reply.body);
        assert!(reply.headers.contains_key("retry-after"));
    }
    panic!("a device starves");
}

async fn sixteen_devices_that_push_at_once_all_get_in(shop: &'static Shop) {
    const TILLS: usize = 16;
    const BATCHES: usize = 3;
    let mut pushes = JoinSet::new();
    for i in 0..TILLS {
        let till = shop.till(&format!("till-{i}")).await;
        pushes.spawn(async move {
            for n in 0..BATCHES {
                let records =
                    [product(&format!("p{i}-{n}"), &json!({"n": n})), product("shared", &json!({"by": i}))];
                let answer = until_taken(&till, &till.batch(Some(&format!("b{n}")), &records)).await;
                assert_eq!(answer.errors.len(), 0);
                assert!(answer.applied.iter().any(|applied| applied.index == 0));
            }
        });
    }
    while let Some(done) = pushes.join_next().await {
        done.unwrap();
    }
    let till = shop.till("reader").await;
    let changes = till.pull_all(Stamp::ZERO, 7).await;
    let own = changes.iter().filter(|change| change.record_id != "shared").count();
    assert_eq!(own, TILLS * BATCHES);
}

async fn the_same_batch_sent_twice_at_once_is_applied_once(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    for n in 0..5 {
        let record = with(product(&format!("p{n}"), &json!({"n": n})), "base_version", 0);
        let batch = till.batch(Some(&format!("b{n}")), &[record]);
        let (a, b) = tokio::join!(until_taken(&till, &batch), until_taken(&till, &batch));
        assert_eq!((a.stamp, a.applied[0].version), (b.stamp, b.applied[0].version));
    }
    assert_eq!(till.pull_all(Stamp::ZERO, 100).await.len(), 5);
}
