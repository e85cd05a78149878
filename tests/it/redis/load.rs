//! Redis is killed and started again under load.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;
use shared::protocol::cart::CartWritten;
use shared::stamp::Stamp;

use crate::carts::{get, holds, put};
use crate::data::{data, read};
use crate::shop::{Shop, product};
use crate::world::frail;

pub(super) fn trials() -> Vec<Trial> {
    vec![frail("redis::load::no_request_fails_and_nobody_sees_what_is_not_his", killed)]
}

/// Requests a caller makes before Redis is killed, while it is away, and after.
const ROUNDS: u64 = 8;

/// One caller of one branch: what it writes, it reads, whatever happens to Redis. It syncs mostly, which is not limited.
async fn work(shop: &Shop, branch: &str, done: &AtomicU64, stop: &AtomicBool) -> u64 {
    let name = format!("till-{branch}");
    let till = shop.till_of(&name, branch).await;
    let (mut n, mut last) = (0, Stamp::ZERO);
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let mine = json!({ "of": branch, "n": n });
        let pushed = till.push(&[product("same-id", &mine)]).await;
        assert!(pushed.stamp > last);
        last = pushed.stamp;
        assert_eq!(till.api.get(&format!("/api/sync/stats?min={}", last.0)).await.unwrap().status, 200);
        // One of the limited kind for some of the others: a user has a hundred a minute.
        if n % 4 == 0 {
            assert_eq!(data(&read(&till.api, "same-id", Some(last)).await), mine);
            put(&till.api, "same-id", &json!({ "data": mine })).await.ok::<CartWritten>().unwrap();
            assert_eq!(holds(&get(&till.api, "same-id").await), mine);
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    n
}

async fn killed(shop: &'static Shop) {
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
        work(shop, "3", &done, &stop)
    );
    assert!(a > 0 && b > 0 && c > 0);
}
