//! The rooms of a run: commits become frames, which are dropped, doubled, delayed and so reordered.

use std::sync::Arc;
use std::time::Duration;

use protocol::role::Role;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{SyncFrame, frames};
use tokio::sync::mpsc::UnboundedReceiver;

use super::dice::Dice;
use super::sabotage::Sabotage;
use super::world::World;

/// Milliseconds that a frame takes at most.
const DELAY_MILLIS_MAX: u64 = 400;

/// Sends every commit that comes out of `published` to the tills of its room.
pub async fn run(world: Arc<World>, mut published: UnboundedReceiver<Publication>, seed: u64) {
    let mut nth = 0;
    while let Some(publication) = published.recv().await {
        nth += 1;
        let mut dice = Dice::of(seed, nth);
        for (frame, change) in broken_or_not(&world, &publication).iter().zip(&publication.changes) {
            send(&world, &publication, frame, change.read, &mut dice);
        }
    }
}

fn broken_or_not(world: &World, publication: &Publication) -> Vec<SyncFrame> {
    let frames = frames(publication);
    if world.sabotage != Some(Sabotage::ChunkStamp) {
        return frames;
    }
    let whole = |frame| SyncFrame { stamp: publication.last(), prev: publication.prev, ..frame };
    frames.into_iter().map(whole).collect()
}

fn send(world: &Arc<World>, publication: &Publication, frame: &SyncFrame, read: Role, dice: &mut Dice) {
    let weather = world.weather();
    let room = publication.room();
    for device in world.devices.iter().filter(|device| device.part.caller.room == room) {
        // A device does not hear its own changes, nor anybody what is not for him.
        let for_it = device.part.device != publication.device_id.as_str() && device.part.caller.role >= read;
        if !for_it || dice.permille(weather.frame_lost) {
            continue;
        }
        for _ in 0..if dice.permille(weather.frame_twice) { 2 } else { 1 } {
            let delay = Duration::from_millis(dice.below(DELAY_MILLIS_MAX));
            let (world, device, frame, seed) = (world.clone(), device.clone(), frame.clone(), dice.roll());
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                if device.hear(&frame) {
                    device.start_sync(&world, seed);
                }
            });
        }
    }
}
