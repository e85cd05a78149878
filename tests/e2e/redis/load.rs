//! Redis is killed and restarted under load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use protocol::stamp::Stamp;
use protocol::wire::record::BatchGetResponse;
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};
use tests::wait::poll;

use crate::carts::{cart_data, get, get_since, put_data};
use crate::records::{data, names, read};
use crate::shop::{Shop, product};
use crate::till::Till;

trials! {
    exclusive:
    requests_succeed_and_show_no_data_of_others_while_redis_restarts,
}

/// Rounds of each caller before Redis is killed, while it is dead, and after its restart.
const ROUNDS: u64 = 8;
/// Longest time that a read without `min` may be stale once Redis is back: the lifetime of a function's own
/// copy, the stream's next retry, and a margin for a slow machine.
const STALE_MAX: Duration = Duration::from_secs(30);

/// Longest time that the callers may take for a phase.
const PHASE_MAX: Duration = Duration::from_secs(120);

/// A till of a branch that writes and reads its writes until `stop`. Returns the till and the data of its
/// last write. Most of its requests are sync requests, which are not limited.
async fn write_and_read(shop: &Shop, branch: &str, done: &AtomicU64, stop: &AtomicBool) -> (Till, Value) {
    let name = format!("till-{branch}");
    let till = shop.till_of(&name, branch).await;
    let room = shop.room(branch).to_string();
    let (mut n, mut last) = (0, Stamp::ZERO);
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let mine = json!({ "room": room, "n": n });
        let pushed = till.push(&[product("same-id", &mine)]).await;
        assert!(pushed.stamp > last);
        last = pushed.stamp;
        let stats: StatsResponse =
            till.api.get(&format!("/api/sync/stats?min={}", last.0)).await.unwrap().ok().unwrap();
        assert_eq!(stats.last_sync_at, Some(last.time().to_string()));
        // Few of these requests, since a user has a limit per minute.
        if n % 4 == 0 {
            assert_eq!(data(&read(&till.api, "same-id", Some(last)).await), mine);
            // Without `min` the data may be stale, but it is never that of another room.
            let seen = data(&read(&till.api, "same-id", None).await);
            assert!(seen["room"] == room && seen["n"].as_u64().unwrap() <= n, "{seen} for {mine}");
            let names = json!({ "records": names(["same-id"]) });
            let several = till.api.post("/api/data/batch-get", names.to_string()).await.unwrap();
            let several: BatchGetResponse = several.ok().unwrap();
            let seen: Value = serde_json::from_str(several.records[0].data.as_str()).unwrap();
            assert!(seen["room"] == room && seen["n"].as_u64().unwrap() <= n, "{seen} for {mine}");
            let stamp = put_data(&till.api, "same-id", &mine).await;
            assert_eq!(cart_data(&get_since(&till.api, "same-id", stamp).await), mine);
            let seen = cart_data(&get(&till.api, "same-id").await);
            assert!(seen["room"] == room && seen["n"].as_u64().unwrap() <= n, "{seen} for {mine}");
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    (till, json!({ "room": room, "n": n }))
}

async fn requests_succeed_and_show_no_data_of_others_while_redis_restarts(shop: &'static Shop) {
    // Another tenant has a branch and a record of the same names.
    let other = shop.other_tenant();
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let next_rounds = async || {
        let target = done.load(Ordering::Relaxed) + 3 * ROUNDS;
        poll(PHASE_MAX, async || done.load(Ordering::Relaxed), |done| *done >= target).await.unwrap();
    };
    let restarts = async {
        let engine = shop.world.redis.engine();
        next_rounds().await;
        for _ in 0..2 {
            engine.kill().await;
            next_rounds().await;
            engine.restart().await.unwrap();
            next_rounds().await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (_, a, b, c) = tokio::join!(
        restarts,
        write_and_read(shop, "1", &done, &stop),
        write_and_read(shop, "2", &done, &stop),
        write_and_read(&other, "1", &done, &stop)
    );
    let deadline = Instant::now() + STALE_MAX;
    for (till, written) in [&a, &b, &c] {
        assert!(written["n"].as_u64().unwrap() > 0);
        let seen = async || data(&read(&till.api, "same-id", None).await);
        poll(deadline - Instant::now(), seen, |seen| seen == written).await.unwrap();
    }
    other.close().await;
}
