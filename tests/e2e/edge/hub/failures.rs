//! What a hub that fails costs: head office a pull, and the branches nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use tests::api::Api;
use tests::fleet;
use tests::openapi::check::Checker;
use tests::wait::poll;

use super::{Commits, count, hear, push_all};
use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::shop::{Shop, product};
use crate::sync::broadcast::Listener;
use crate::world::PATIENCE;

trials! {
    shared:
    a_pull_closes_the_gap_after_the_hub_was_killed,
    a_hub_that_fails_or_hangs_costs_a_branch_nothing,
}

const BRANCHES: usize = 20;
/// Pushes of each branch before, during and after the loss.
const PUSHES: usize = 10;
/// Pushes while the hub fails in one way.
const PUSHES_BESIDE_A_BAD_HUB: usize = 5;
/// A commit that waited for a hub that hangs would take longer.
const BESIDE_A_BAD_HUB: Duration = Duration::from_secs(1);

/// Pulls all branches from `cursor` to the end. Adds the stamps of their changes to those that were heard,
/// and returns the next cursor.
async fn pull(office: &Api, cursor: &str, heard: &mut BTreeMap<String, Vec<Stamp>>) -> String {
    let mut next = cursor.to_owned();
    loop {
        let reply = office.get(&format!("/api/sync/pull-changes?limit=1000&cursor={next}")).await.unwrap();
        let page: PullResponse = reply.ok().unwrap();
        if let Some(branch) = &page.branch_id {
            let known = heard.entry(format!("1:{branch}")).or_default();
            known.extend(page.changes.iter().map(|change| change.stamp));
        }
        next = page.next_cursor;
        if !page.has_more {
            return next;
        }
    }
}

async fn a_pull_closes_the_gap_after_the_hub_was_killed(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let office = edge.head_office().await;
    let mut tills = Vec::new();
    for i in 0..BRANCHES {
        let room = format!("1:{i}");
        tills.push((room.clone(), edge.till(&room, &format!("till-{i}")).await));
    }
    let mut pulled = BTreeMap::new();
    let mut listener = Listener::open_batched(&office, "office").await;
    let cursor = pull(&office, "", &mut pulled).await;
    let mut heard = Commits::new();
    let mut pushed = push_all(tills.clone(), PUSHES).await;
    while count(&heard) < BRANCHES * PUSHES {
        hear(&mut heard, &listener.next().await);
    }

    // The hub loses its memory and its sockets while all branches push.
    let pushing = tokio::spawn(push_all(tills.clone(), PUSHES));
    hear(&mut heard, &listener.next().await);
    edge.kill("1:*").await;
    while let Some(frame) = listener.next_unless_lost().await {
        hear(&mut heard, &frame);
    }
    assert!(count(&heard) < 2 * BRANCHES * PUSHES, "the hub was killed too late");
    let mut again = Listener::open_batched(&office, "office").await;
    append(&mut pushed, pushing.await.unwrap());
    let mut known: BTreeMap<String, Vec<Stamp>> =
        heard.iter().map(|(room, commits)| (room.clone(), stamps(commits))).collect();
    pull(&office, &cursor, &mut known).await;
    for (room, commits) in &pushed {
        let all = known.get_mut(room).unwrap();
        all.sort();
        all.dedup();
        assert_eq!(*all, stamps(commits), "{room}");
    }

    // What comes after the pull follows what head office knows.
    let last = push_all(tills, PUSHES).await;
    let mut heard = pushed.clone();
    while count(&heard) < 3 * BRANCHES * PUSHES {
        hear(&mut heard, &again.next().await);
    }
    append(&mut pushed, last);
    assert_eq!(heard, pushed);
    edge.stop().await;
}

fn stamps(commits: &[(Stamp, Stamp)]) -> Vec<Stamp> {
    commits.iter().map(|(_, stamp)| *stamp).collect()
}

fn append(commits: &mut Commits, more: Commits) {
    for (room, more) in more {
        commits.entry(room).or_default().extend(more);
    }
}

/// How often the edge has called a room, by path.
async fn calls(edge: &ChangedEdge, room: &str) -> BTreeMap<String, u64> {
    edge.observe("calls", room).await
}

async fn a_hub_that_fails_or_hangs_costs_a_branch_nothing(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let (one, two) = (edge.till("1:1", "till-1").await, edge.till("1:1", "till-2").await);
    let checked = two.api.held_to(Arc::new(Checker::new().unwrap()));
    let mut listener = Listener::open(&checked, "till-2").await;
    // The hub is told first that till-2 is online.
    let told = async || calls(&edge, "1:*").await.contains_key("/relay");
    poll(PATIENCE, told, |told| *told).await.unwrap();
    // Each commit is published twice, by either path; a turn and its end are one call each.
    let of_branch = BTreeMap::from([("/turn/enter".to_owned(), 1), ("/publish".to_owned(), 2)]);
    let of_hub = BTreeMap::from([("/relay".to_owned(), 2)]);
    for fault in ["none", "throw", "hang"] {
        edge.observe::<Value>(&format!("fail/{fault}"), "1:*").await;
        let mut times = Vec::new();
        for _ in 0..PUSHES_BESIDE_A_BAD_HUB {
            let before = [calls(&edge, "1:1").await, calls(&edge, "1:*").await];
            let asked = Instant::now();
            let pushed = one.push(&[product(&fleet::batch_id(), &json!({}))]).await;
            assert_eq!(listener.next_sync().await.stamp, pushed.stamp, "{fault}");
            times.push(asked.elapsed());
            let made = async || {
                let after = [calls(&edge, "1:1").await, calls(&edge, "1:*").await];
                [difference(&before[0], &after[0]), difference(&before[1], &after[1])]
            };
            let expected = [of_branch.clone(), of_hub.clone()];
            poll(PATIENCE, made, |made| *made == expected).await.expect(fault);
        }
        println!("beside a hub with the fault {fault:?}, a commit was heard after {times:?}");
        assert!(times.iter().min() < Some(&BESIDE_A_BAD_HUB), "{fault}: {times:?}");
    }
    // The stream too, while the hub hangs.
    edge.stack.host_faults().cut_fast_path("1");
    let pushed = one.push(&[product("streamed", &json!({}))]).await;
    assert_eq!(listener.next_sync().await.stamp, pushed.stamp);
    let pending = async || {
        let stats: Value = one.api.get("/api/sync/stats?min=0").await.unwrap().ok().unwrap();
        stats["pending_queue_count"].as_u64()
    };
    poll(PATIENCE, pending, |pending| *pending == Some(0)).await.unwrap();
    edge.stop().await;
}

fn difference(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let more = |(path, count): (&String, &u64)| (path.clone(), count - before.get(path).unwrap_or(&0));
    after.iter().map(more).filter(|(_, more)| *more > 0).collect()
}
