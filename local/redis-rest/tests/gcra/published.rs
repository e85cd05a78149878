//! The same arrivals through our rule and through the sliding window of `@upstash/ratelimit`.
//!
//! Asserts bounds of our rule, and prints what both admit.

use std::process::Stdio;

use auth::rate::gcra::{TheoreticalArrival, decide, theoretical_arrival};
use auth::rate::limit::Limit;
use protocol::timestamp::Timestamp;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::limiter::{DEADLINE, Limiter, TOKEN, now, seed};
use crate::node;

const QUOTA: u32 = 20;
const WINDOW_MILLIS: u64 = 60_000;
/// Number of windows with arrivals.
const WINDOWS: u64 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_rule_admits_at_most_one_quota_at_once_and_two_in_any_window() {
    let limiter = Limiter::start(None).await;
    let seed = seed();
    println!("SEED={seed}; a limit of {QUOTA} a minute over {WINDOWS} minutes");
    let mut rng = fastrand::Rng::with_seed(seed);
    for (name, arrivals) in arrivals(&mut rng, now().0 / 1000) {
        let ours = ours(&arrivals);
        let theirs = theirs(&limiter, name, &arrivals).await;
        let of = |millis| (most(&ours, millis), most(&theirs, millis));
        println!(
            "{name}: {} arrive; admitted by GCRA {}, by the sliding window {}; most in any minute {:?}, in any second {:?}",
            arrivals.len(),
            ours.len(),
            theirs.len(),
            of(WINDOW_MILLIS),
            of(1000),
        );
        assert!(most(&ours, 1) <= QUOTA as usize);
        assert!(most(&ours, WINDOW_MILLIS) <= 2 * QUOTA as usize);
        assert!(ours.len() as u64 <= u64::from(QUOTA) * (WINDOWS + 1));
        // A steady caller gets at least the quota of each window.
        if name == "steady" {
            assert!(ours.len() as u64 >= u64::from(QUOTA) * WINDOWS);
        }
        assert!(!theirs.is_empty());
    }
    limiter.stop().await;
}

/// Arrivals in milliseconds: a steady stream, random bursts, and bursts on both sides of each full minute,
/// where counting by windows is weakest.
fn arrivals(rng: &mut fastrand::Rng, start: u64) -> [(&'static str, Vec<u64>); 3] {
    let end = start + WINDOWS * WINDOW_MILLIS;
    let steady = (start..end).step_by(500).collect();
    let mut bursts: Vec<u64> = Vec::new();
    for _ in 0..2 * WINDOWS {
        let at = rng.u64(start..end);
        bursts.extend((0..rng.u64(1..40)).map(|_| at + rng.u64(0..200)));
    }
    bursts.sort_unstable();
    let first = start.next_multiple_of(WINDOW_MILLIS);
    let minutes = (0..WINDOWS).map(|n| first + n * WINDOW_MILLIS);
    let edges = minutes.flat_map(|minute| (0..30).map(move |n| minute - 15 + n)).collect();
    [("steady", steady), ("bursts", bursts), ("edges", edges)]
}

/// The arrivals that our rule admits.
fn ours(arrivals: &[u64]) -> Vec<u64> {
    let limit = Limit::per_minute("test", QUOTA);
    let mut kept: TheoreticalArrival = None;
    let admits = |millis: &&u64| {
        let at = Timestamp(**millis * 1000);
        let decision = decide(&[(limit, kept)], at);
        if decision.allowed {
            kept = decision.states.first().map(|state| theoretical_arrival(*state, at));
        }
        decision.allowed
    };
    arrivals.iter().filter(admits).copied().collect()
}

/// The arrivals that the published limiter admits. It gets its time from us and uses the same engine.
async fn theirs(limiter: &Limiter, name: &str, arrivals: &[u64]) -> Vec<u64> {
    let script = "gcra/sliding_window.mjs";
    let mut node = node::command(script, &["@upstash/ratelimit"], limiter.server.url(), TOKEN).unwrap();
    node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut running = node.spawn().unwrap();
    let input = json!({ "name": name, "quota": QUOTA, "arrivals": arrivals }).to_string();
    let mut stdin = running.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = tokio::time::timeout(DEADLINE, running.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "the published limiter ended with {}", output.status);
    let admitted: Vec<bool> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(admitted.len(), arrivals.len());
    arrivals.iter().zip(admitted).filter(|(_, admitted)| *admitted).map(|(at, _)| *at).collect()
}

/// The maximum number of admitted arrivals within any `millis` milliseconds.
fn most(admitted: &[u64], millis: u64) -> usize {
    let within = |from: &u64| admitted.iter().filter(|at| (*from..from + millis).contains(at)).count();
    admitted.iter().map(within).max().unwrap_or(0)
}
