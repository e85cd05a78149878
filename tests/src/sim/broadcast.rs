//! Delivers commits to the sockets of a run. Frames are lost, duplicated, delayed and so reordered.

use std::sync::Arc;
use std::time::Duration;

use protocol::role::Role;
use protocol::wire::publication::Publication;
use protocol::wire::socket::{SyncBatchFrame, SyncFrame, batch_frame, frames};
use tokio::sync::mpsc::UnboundedReceiver;

use super::device::Device;
use super::mutation::Mutation;
use super::rng::Rng;
use super::world::World;

/// Longest delay of a frame in milliseconds.
const DELAY_MILLIS_MAX: u64 = 400;

/// What a socket receives.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    /// One change.
    Change(SyncFrame),
    /// One commit.
    Commit(SyncBatchFrame),
}

/// Sends each commit of `published` to the devices of its room: to about half of them as one frame, to the
/// others as a frame for each change.
pub(crate) async fn run(world: Arc<World>, mut published: UnboundedReceiver<Publication>, seed: u64) {
    let mut nth = 0;
    while let Some(publication) = published.recv().await {
        nth += 1;
        let (mut rng, room) = (Rng::derived(seed, nth), publication.room());
        let changes = mutated_frames(&world, &publication);
        for device in world.devices.iter().filter(|device| device.actor.caller.room == room) {
            // A device does not receive its own changes, nor those that its role may not read.
            if device.actor.device == publication.device_id.as_str() {
                continue;
            }
            let role = device.caller().role;
            if takes_commits(seed, device) {
                send(&world, device, &Frame::Commit(commit_frame(&world, &publication, role)), &mut rng);
                continue;
            }
            for (frame, change) in changes.iter().zip(&publication.changes) {
                if role >= change.read {
                    send(&world, device, &Frame::Change(frame.clone()), &mut rng);
                }
            }
        }
    }
}

fn takes_commits(seed: u64, device: &Device) -> bool {
    let sum: u64 = device.actor.device.bytes().map(u64::from).sum();
    (seed ^ sum).is_multiple_of(2)
}

fn commit_frame(world: &World, publication: &Publication, role: Role) -> SyncBatchFrame {
    if world.mutation != Some(Mutation::PassedOver) {
        return batch_frame(publication, role);
    }
    let mut frame = batch_frame(publication, Role::SuperAdmin);
    let mut reads = publication.changes.iter().map(|change| change.read);
    frame.changes.retain(|_| reads.next().is_some_and(|read| read <= role));
    frame
}

fn mutated_frames(world: &World, publication: &Publication) -> Vec<SyncFrame> {
    let frames = frames(publication);
    if world.mutation != Some(Mutation::ChunkStamp) {
        return frames;
    }
    let whole = |frame| SyncFrame { stamp: publication.last(), prev: publication.prev, ..frame };
    frames.into_iter().map(whole).collect()
}

fn send(world: &Arc<World>, device: &Arc<Device>, frame: &Frame, rng: &mut Rng) {
    let rates = world.fault_rates();
    if rng.chance(rates.frame_lost) {
        return;
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
