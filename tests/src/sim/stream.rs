//! The stream of the log, which publishes every commit once more and notes it for head office, as
//! `change-stream` does: late, in parts and in part twice. Seldom it gives up on some commits.

use std::sync::Arc;
use std::time::Duration;

use protocol::wire::publication::Publication;
use tokio::sync::mpsc::UnboundedSender;

use super::check::history::commits;
use super::event_log::Event;
use super::notes;
use super::rng::Rng;
use super::world::World;

/// Longest time in seconds that the stream stands still.
const STALL_SECS_MAX: u64 = 120;

/// What happens to a batch of events.
#[derive(Clone, Copy)]
enum Delivery {
    Whole,
    /// It is delivered in part; the rest and some of that part are delivered again.
    Failed,
    /// It is delivered after a while.
    Stalled,
    /// It failed too often, and no one tries again.
    GivenUp,
}

pub(crate) async fn run(world: Arc<World>, published: UnboundedSender<Publication>, seed: u64) {
    let (mut known, mut rng) = (0, Rng::new(seed));
    let mut notes = Rng::derived(seed, 1);
    loop {
        let events = world.log.events_after(known).await;
        let rates = world.fault_rates();
        let weights = [
            (rates.stream_failed, Delivery::Failed),
            (rates.stream_stalled, Delivery::Stalled),
            (rates.stream_given_up, Delivery::GivenUp),
        ];
        let fails = rng.chance(weights.iter().map(|(rate, _)| rate).sum());
        let delivery = if fails { rng.weighted(&weights, Delivery::Whole) } else { Delivery::Whole };
        match delivery {
            Delivery::Whole => publish(&world, &events, &published, &mut notes),
            Delivery::GivenUp => {}
            Delivery::Stalled => {
                pause(rng.between(1, STALL_SECS_MAX)).await;
                publish(&world, &events, &published, &mut notes);
            }
            Delivery::Failed => {
                let some = usize::try_from(rng.below(events.len() as u64)).unwrap_or_default();
                publish(&world, events.get(..some).unwrap_or_default(), &published, &mut notes);
                pause(1).await;
                let again = usize::try_from(rng.below(some as u64 + 1)).unwrap_or_default();
                publish(&world, events.get(again..).unwrap_or_default(), &published, &mut notes);
            }
        }
        known += events.len();
    }
}

fn publish(world: &Arc<World>, events: &[Event], published: &UnboundedSender<Publication>, notes: &mut Rng) {
    for (room, commit) in events.iter().flat_map(|event| commits(world, event)) {
        notes::write(world, room, commit.publication.last(), Rng::new(notes.next_u64()));
        // The receiver is gone once the run is over.
        drop(published.send(commit.publication));
    }
}

async fn pause(secs: u64) {
    tokio::time::sleep(Duration::from_secs(secs)).await;
}
