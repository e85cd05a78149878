//! The rate limit script over every engine, compared with the rule in Rust and with the published limiter.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use auth::rate::decision::RateDecision;
use auth::rate::gcra::{TheoreticalArrival, decide, theoretical_arrival};
use auth::rate::limit::Limit;
use protocol::timestamp::Timestamp;
use redis_rest::engine::Engine;

#[path = "gcra/limiter.rs"]
mod limiter;
#[path = "support/node.rs"]
mod node;
#[path = "gcra/published.rs"]
mod published;

use limiter::{Limiter, now, seed};

/// Requests per minute of two limits: one with an interval of 20 seconds, one with a rounded interval. Keys
/// expire by the engine's clock and not by the times in these requests, but none lives for less than the
/// shorter interval.
const QUOTAS: [u32; 2] = [3, 7];
/// Requests of one run.
const REQUESTS: usize = 400;

fn limits() -> Vec<Limit> {
    QUOTAS.map(|quota| Limit::per_minute("test", quota)).to_vec()
}

/// Microseconds to the next request: none or few, about an interval, some seconds, or about a window.
fn pause(rng: &mut fastrand::Rng) -> u64 {
    let intervals = limits().into_iter().map(Limit::interval_micros).collect::<Vec<_>>();
    match rng.u8(0..8) {
        0..=3 => 0,
        4 => rng.u64(0..3),
        5 => rng.choice(intervals).unwrap_or_default() + rng.u64(0..3) - 1,
        6 => rng.u64(1_000_000..9_000_000),
        _ => rng.u64(59_000_000..61_000_000),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_decides_like_the_rule_and_is_billed_as_documented() {
    let engines = Engine::available();
    assert!(!engines.is_empty(), "there is no Redis on this machine");
    for kind in engines {
        let limiter = Limiter::start(Some(kind)).await;
        let seed = seed();
        println!("{} with SEED={seed}", kind.name());
        let mut rng = fastrand::Rng::with_seed(seed);
        let all = limits();
        let mut kept: Vec<(Limit, TheoreticalArrival)> = all.iter().map(|limit| (*limit, None)).collect();
        let mut at = now();
        limiter.load_script().await;
        for request in 0..REQUESTS {
            at = Timestamp(at.0 + pause(&mut rng));
            let asked = rng.choice([0..1, 1..2, 0..2]).unwrap();
            let before = limiter.server.counts();
            let decided = limiter.decide(&all[asked.clone()], asked.start, at).await;
            let cost = limiter.server.counts() - before;
            let expected = decide(&kept[asked.clone()], at);
            assert_eq!(decided, expected, "request {request}");
            keep(&mut kept[asked.clone()], &expected, at);
            let writes = if expected.allowed { asked.len() as u64 } else { 0 };
            assert_eq!((cost.requests, cost.billed), (1, 2 + writes), "request {request}");
        }
        // Ten minutes later both limits are full again, and a used limit is stored until it is full.
        assert!(limiter.decide(&all, 0, Timestamp(at.0 + 600_000_000)).await.allowed);
        for (place, limit) in all.iter().enumerate() {
            let ttl = limiter.ttl(place).await;
            let interval = i64::try_from(limit.interval_micros().div_ceil(1000)).unwrap();
            assert!((interval / 2..=interval).contains(&ttl), "a key has {ttl} of {interval} ms left");
        }
        limiter.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stored_value_locks_a_caller_out() {
    for kind in Engine::available() {
        let limiter = Limiter::start(Some(kind)).await;
        limiter.load_script().await;
        let limit = [Limit::per_minute("test", 10)];
        for damage in
            [r#"["SET","k0","rubbish"]"#, r#"["RPUSH","k0","1"]"#, r#"["SET","k0","9007199254740991"]"#]
        {
            limiter.command(r#"["DEL","k0"]"#).await;
            limiter.command(damage).await;
            let decided = limiter.decide(&limit, 0, now()).await;
            let far = damage.contains("9007199254740991");
            assert_eq!(decided.allowed, !far, "{damage}");
            // A stored time far ahead locks a caller out for one interval only.
            assert_eq!(decided.retry_after_micros(), far.then_some(6_000_000), "{damage}");
        }
        limiter.stop().await;
    }
}

fn keep(kept: &mut [(Limit, TheoreticalArrival)], decision: &RateDecision, at: Timestamp) {
    if decision.allowed {
        for ((_, kept), state) in kept.iter_mut().zip(&decision.states) {
            *kept = Some(theoretical_arrival(*state, at));
        }
    }
}
