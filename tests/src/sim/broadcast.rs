//! Delivers commits to the sockets of a run. Frames are lost, duplicated, delayed and so reordered.

use std::sync::Arc;
use std::time::Duration;

use protocol::role::Role;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{SyncFrame, frames};
use tokio::sync::mpsc::UnboundedReceiver;

use super::mutation::Mutation;
use super::rng::Rng;
use super::world::World;

/// Longest delay of a frame in milliseconds.
const DELAY_MILLIS_MAX: u64 = 400;

/// Sends each commit of `published` to the devices of its room.
pub(crate) async fn run(world: Arc<World>, mut published: UnboundedReceiver<Publication>, seed: u64) {
    let mut nth = 0;
    while let Some(publication) = published.recv().await {
        nth += 1;
        let mut rng = Rng::derived(seed, nth);
        for (frame, change) in mutated_frames(&world, &publication).iter().zip(&publication.changes) {
            send(&world, &publication, frame, change.read, &mut rng);
        }
    }
}

fn mutated_frames(world: &World, publication: &Publication) -> Vec<SyncFrame> {
    let frames = frames(publication);
    if world.mutation != Some(Mutation::ChunkStamp) {
        return frames;
    }
    let whole = |frame| SyncFrame { stamp: publication.last(), prev: publication.prev, ..frame };
    frames.into_iter().map(whole).collect()
}

fn send(world: &Arc<World>, publication: &Publication, frame: &SyncFrame, read: Role, rng: &mut Rng) {
    let rates = world.fault_rates();
    let room = publication.room();
    for device in world.devices.iter().filter(|device| device.actor.caller.room == room) {
        // A device does not receive its own changes, nor those that its role may not read.
        let is_recipient =
            device.actor.device != publication.device_id.as_str() && device.caller().role >= read;
        if !is_recipient || rng.chance(rates.frame_lost) {
            continue;
        }
        for _ in 0..if rng.chance(rates.frame_duplicated) { 2 } else { 1 } {
            let delay = Duration::from_millis(rng.below(DELAY_MILLIS_MAX));
            let (world, device, frame, seed) = (world.clone(), device.clone(), frame.clone(), rng.next_u64());
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                if device.on_frame(&world, &frame) {
                    device.start_sync(&world, seed);
                }
            });
        }
    }
}
