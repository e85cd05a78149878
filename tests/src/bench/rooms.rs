//! Rooms with many sockets beside those of partyserver, on the same runtime: a commit to a thousand sockets,
//! commits one after the other, a hundred rooms at once, and a thousand sockets that open again after a
//! deployment.

mod crowd;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use local::stack::Stack;
use protocol::limits::{PUSH_RECORDS_MAX, ROOM_SOCKETS_MAX};
use tokio::time::sleep;

use crowd::{Crowd, Kind, RoomSockets};

use crate::bench::WARM_UP;
use crate::bench::direct::DirectWorker;
use crate::fleet;
use crate::report::{line, millis, percentiles, ratio};

/// Sockets of the crowded room: as many as one room takes.
const SOCKETS: usize = ROOM_SOCKETS_MAX;
/// Rooms at the same time, and the sockets of each.
const ROOMS: usize = 100;
const SOCKETS_PER_ROOM: usize = 10;
/// How long commits follow one another.
const SUSTAINED: Duration = Duration::from_secs(5);
/// Changes of a large commit: as many as a push may have.
const LARGE: usize = PUSH_RECORDS_MAX;
/// Commits to rooms that have lost their memory.
const WAKES: usize = 10;
/// A room without an event for 10 seconds hibernates.
const HIBERNATED: Duration = Duration::from_secs(12);
/// Deployments that drop all sockets.
const DEPLOYMENTS: usize = 5;
/// Within which a thousand sockets are open again.
const REOPENED_WITHIN: Duration = Duration::from_secs(4);

/// Both workers, which take turns.
struct Both<T> {
    ours: T,
    theirs: T,
}

pub(super) async fn measure(stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    let reopened = deployments(stack).await?;
    let ours = DirectWorker::start(stack, "tillsync", None).await?;
    let theirs = DirectWorker::start(stack, "partyserver", None).await?;
    let crowded = [RoomSockets { room: 0, sockets: SOCKETS }];
    let mut both = Both {
        ours: Crowd::open(stack, Kind::Tillsync, &ours.url, &crowded).await?,
        theirs: Crowd::open(stack, Kind::Partyserver, &theirs.url, &crowded).await?,
    };
    println!("\n{SOCKETS} sockets in one room, workerd itself: from a commit to its last socket");
    for changes in [1, LARGE] {
        spread(&mut both, changes, rounds, &format!("commit of {changes}")).await?;
    }
    after_hibernation(&mut both).await?;
    for (name, crowd) in [("tillsync", &mut both.ours), ("partyserver", &mut both.theirs)] {
        println!("{name:<30} {:>7} frames a second, sustained", crowd.sustained(SUSTAINED).await?);
    }
    drop(both);
    let rooms: Vec<RoomSockets> =
        (1..=ROOMS).map(|room| RoomSockets { room, sockets: SOCKETS_PER_ROOM }).collect();
    let mut both = Both {
        ours: Crowd::open(stack, Kind::Tillsync, &ours.url, &rooms).await?,
        theirs: Crowd::open(stack, Kind::Partyserver, &theirs.url, &rooms).await?,
    };
    println!(
        "\n{ROOMS} rooms of {SOCKETS_PER_ROOM} sockets, a commit to each at once: to the last socket of all"
    );
    spread(&mut both, 1, rounds, "commit of 1").await?;
    ours.stop().await?;
    theirs.stop().await?;
    if reopened > REOPENED_WITHIN {
        return Err("the sockets open too slowly after a deployment".into());
    }
    Ok(())
}

/// Measures commits of `changes` to both, in turns.
async fn spread(
    both: &mut Both<Crowd>,
    changes: usize,
    rounds: usize,
    what: &str,
) -> Result<(), Box<dyn Error>> {
    let [mut ours, mut theirs] = [const { Vec::new() }; 2];
    for round in 0..rounds + WARM_UP {
        for (crowd, times) in [(&mut both.ours, &mut ours), (&mut both.theirs, &mut theirs)] {
            let took = crowd.commit(changes).await?;
            if round >= WARM_UP {
                times.push(took);
            }
        }
    }
    compare(what, &ours, &theirs);
    Ok(())
}

/// The same for rooms that have lost their memory since the last commit.
async fn after_hibernation(both: &mut Both<Crowd>) -> Result<(), Box<dyn Error>> {
    let [mut ours, mut theirs] = [const { Vec::new() }; 2];
    for wake in 0..WAKES {
        sleep(HIBERNATED).await;
        let mut turns = [(&mut both.ours, &mut ours), (&mut both.theirs, &mut theirs)];
        // The first of both wakes the machine too.
        turns.rotate_left(wake % 2);
        for (crowd, times) in turns {
            times.push(crowd.commit(1).await?);
        }
    }
    compare("the first after hibernation", &ours, &theirs);
    Ok(())
}

fn compare(what: &str, ours: &[Duration], theirs: &[Duration]) {
    for (name, times) in [("tillsync", ours), ("partyserver", theirs)] {
        println!("{:<30} {}", format!("{what}, {name}"), line(times));
    }
    let [[ours, ..], [theirs, ..]] = [ours, theirs].map(percentiles);
    println!("{what}, ratio p50 {} (target: at most 0.80)", ratio(ours, theirs));
}

/// Opens a thousand sockets of a new worker again and again, each time after all were dropped. Returns the
/// longest time that it took.
async fn deployments(stack: &Stack) -> Result<Duration, Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("tillsync-rooms-{}", fleet::batch_id()));
    let all = reopen(stack, &folder).await;
    let _ = std::fs::remove_dir_all(&folder);
    let all = all?;
    Ok(all.into_iter().max().unwrap_or_default())
}

async fn reopen(stack: &Stack, folder: &Path) -> Result<Vec<Duration>, Box<dyn Error>> {
    println!("\n{SOCKETS} sockets of one room, workerd itself");
    let room = [RoomSockets { room: 0, sockets: SOCKETS }];
    let devices = crowd::devices(stack, &room)?;
    let mut reopened = Vec::new();
    for deployment in 0..=DEPLOYMENTS {
        let worker = DirectWorker::start(stack, "tillsync", Some(folder)).await?;
        let (before, began) = (stack.redis().front().counts(), Instant::now());
        let crowd = Crowd::open_with(stack, Kind::Tillsync, &worker.url, &room, &devices).await?;
        let (took, redis) = (began.elapsed(), stack.redis().front().counts() - before);
        let what = if deployment == 0 { "open for the first time" } else { "open again after a deployment" };
        println!("{what:<30} {:>9}, {} commands of Redis", millis(took), redis.commands);
        if deployment > 0 {
            reopened.push(took);
        }
        worker.stop().await?;
        drop(crowd);
    }
    println!("open again, the slowest        {} (target: at most 4 s)", line(&reopened));
    Ok(reopened)
}
