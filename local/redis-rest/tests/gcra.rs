//! The rule of `auth::rate` as a script, over every engine: held against the rule itself, counted, and compared with
//! the published limiter.

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
use redis_rest::engine::{Engine, EngineChoice};

#[path = "gcra/published.rs"]
mod published;
#[path = "gcra/street.rs"]
mod street;

use street::{Street, now, seed};

/// Limits whose requests come back in 20 seconds, and in a time that is rounded. What is kept expires by the engine's
/// clock, which is not the one of these requests; but nothing is kept for less than the shorter of the two times.
const QUOTAS: [u32; 2] = [3, 7];
/// Requests of one run.
const REQUESTS: usize = 400;

fn limits() -> Vec<Limit> {
    QUOTAS.map(|quota| Limit::per_minute("test", quota)).to_vec()
}

/// Microseconds to the next request: none, one, an interval to the microsecond or beside it, about a window.
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
async fn the_script_decides_as_the_rule_does_and_is_billed_as_promised() {
    let engines = Engine::available();
    assert!(!engines.is_empty(), "there is no Redis on this machine");
    for kind in engines {
        let street = Street::start(EngineChoice::Only(kind)).await;
        let seed = seed();
        println!("{} with SEED={seed}", kind.name());
        let mut rng = fastrand::Rng::with_seed(seed);
        let all = limits();
        let mut kept: Vec<(Limit, TheoreticalArrival)> = all.iter().map(|limit| (*limit, None)).collect();
        let mut at = now();
        street.load_script().await;
        for request in 0..REQUESTS {
            at = Timestamp(at.0 + pause(&mut rng));
            let asked = rng.choice([0..1, 1..2, 0..2]).unwrap();
            let before = street.front.counts();
            let decided = street.decide(&all[asked.clone()], asked.start, at).await;
            let cost = street.front.counts() - before;
            let expected = decide(&kept[asked.clone()], at);
            assert_eq!(decided, expected, "request {request}");
            keep(&mut kept[asked.clone()], &expected, at);
            let writes = if expected.allowed { asked.len() as u64 } else { 0 };
            assert_eq!((cost.requests, cost.billed), (1, 2 + writes), "request {request}");
        }
        // Ten minutes later everything has come back, and what is used up now is kept until it has.
        assert!(street.decide(&all, 0, Timestamp(at.0 + 600_000_000)).await.allowed);
        for (place, limit) in all.iter().enumerate() {
            let life = street.life(place).await;
            let interval = i64::try_from(limit.interval_micros().div_ceil(1000)).unwrap();
            assert!((interval / 2..=interval).contains(&life), "a key lives {life} of {interval} ms");
        }
        street.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_stands_at_the_key_nobody_is_locked_out() {
    for kind in Engine::available() {
        let street = Street::start(EngineChoice::Only(kind)).await;
        street.load_script().await;
        let limit = [Limit::per_minute("test", 10)];
        for damage in
            [r#"["SET","k0","rubbish"]"#, r#"["RPUSH","k0","1"]"#, r#"["SET","k0","9007199254740991"]"#]
        {
            street.command(r#"["DEL","k0"]"#).await;
            street.command(damage).await;
            let decided = street.decide(&limit, 0, now()).await;
            let far = damage.contains("9007199254740991");
            assert_eq!(decided.allowed, !far, "{damage}");
            // A clock that was ahead keeps a caller out for an interval of the limit, not until then.
            assert_eq!(decided.retry_after_micros(), far.then_some(6_000_000), "{damage}");
        }
        street.stop().await;
    }
}

fn keep(kept: &mut [(Limit, TheoreticalArrival)], decision: &RateDecision, at: Timestamp) {
    if decision.allowed {
        for ((_, kept), standing) in kept.iter_mut().zip(&decision.states) {
            *kept = Some(theoretical_arrival(*standing, at));
        }
    }
}
