//! Redis is killed and started again under load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use protocol::stamp::Stamp;
use protocol::wire::carts::PutCartResponse;
use protocol::wire::record::BatchGetResponse;
use protocol::wire::stats::StatsResponse;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::carts::{get, get_since, holds, put};
use crate::records::{data, read};
use crate::shop::{Shop, Till, product};

pub(super) fn trials() -> Vec<Trial> {
    frail_trials![no_request_fails_and_nobody_sees_what_is_not_his,]
}

/// Requests a caller makes before Redis is killed, while it is away, and after.
const ROUNDS: u64 = 8;
/// By how much what is read without `min` may be behind, once Redis is back: what a function remembers while it is away, the
/// stream's next try, and a slow machine.
const BEHIND_MAX: Duration = Duration::from_secs(30);

/// One caller of one branch: what it writes, it reads, whatever happens to Redis. It syncs mostly, which is not limited.
async fn work(shop: &Shop, branch: &str, done: &AtomicU64, stop: &AtomicBool) -> Last {
    let name = format!("till-{branch}");
    let till = shop.till_of(&name, branch).await;
    let of = format!("{}:{branch}", shop.client);
    let (mut n, mut last) = (0, Stamp::ZERO);
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let mine = json!({ "of": of, "n": n });
        let pushed = till.push(&[product("same-id", &mine)]).await;
        assert!(pushed.stamp > last);
        last = pushed.stamp;
        let stats: StatsResponse =
            till.api.get(&format!("/api/sync/stats?min={}", last.0)).await.unwrap().ok().unwrap();
        assert_eq!(stats.last_sync_at, Some(last.time().to_string()));
        // One of the limited kind for some of the others: a user has a hundred a minute.
        if n % 4 == 0 {
            assert_eq!(data(&read(&till.api, "same-id", Some(last)).await), mine);
            // It may be behind, and is nobody else's.
            let seen = data(&read(&till.api, "same-id", None).await);
            assert!(seen["of"] == of && seen["n"].as_u64().unwrap() <= n, "{seen} for {mine}");
            let names = json!({ "records": [{ "table_name": "products", "record_id": "same-id" }] });
            let several = till.api.post("/api/data/batch-get", names.to_string()).await.unwrap();
            let several: BatchGetResponse = several.ok().unwrap();
            let seen: Value = serde_json::from_str(several.records[0].data.as_str()).unwrap();
            assert!(seen["of"] == of && seen["n"].as_u64().unwrap() <= n, "{seen} for {mine}");
            let written: PutCartResponse =
                put(&till.api, "same-id", &json!({ "data": mine })).await.ok().unwrap();
            assert_eq!(holds(&get_since(&till.api, "same-id", written.stamp).await), mine);
            let seen = holds(&get(&till.api, "same-id").await);
            assert!(seen["of"] == of && seen["n"].as_u64().unwrap() <= n, "{seen} for {mine}");
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    Last { till, wrote: json!({ "of": of, "n": n }) }
}

/// A caller that is done, and what it wrote last.
struct Last {
    till: Till,
    wrote: Value,
}

async fn no_request_fails_and_nobody_sees_what_is_not_his(shop: &'static Shop) {
    // Another client has a branch and a record of the same names.
    let other: &'static Shop = Box::leak(Box::new(Shop::new(shop.world)));
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let more = async || {
        let until = done.load(Ordering::Relaxed) + 3 * ROUNDS;
        while done.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let fate = async {
        let engine = shop.world.redis.engine();
        more().await;
        for _ in 0..2 {
            engine.kill().await;
            more().await;
            engine.restart().await.unwrap();
            more().await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let (_, a, b, c) = tokio::join!(
        fate,
        work(shop, "1", &done, &stop),
        work(shop, "2", &done, &stop),
        work(other, "1", &done, &stop)
    );
    let until = Instant::now() + BEHIND_MAX;
    for Last { till, wrote } in [a, b, c] {
        assert!(wrote["n"].as_u64().unwrap() > 0);
        loop {
            let seen = data(&read(&till.api, "same-id", None).await);
            if seen == wrote {
                break;
            }
            assert!(Instant::now() < until, "{seen} and not {wrote}");
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
    other.close().await;
}
