//! A simulated till: the same client state as a real one, behind a lossy network and a skewed clock.

mod clock;
mod sign_in;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use protocol::follow::Follow;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::{PullResponse, PulledChange};
use protocol::wire::push::{PushRequest, PushResponse};
use tokio::task::AbortHandle;

use super::actors::Actor;
use super::broadcast::Frame;
use super::check::acknowledged::one_response_each;
use super::check::edits::is_too_large;
use super::clock::TillClock;
use super::lock;
use super::mutation::Mutation;
use super::rng::Rng;
use super::server::{ApiRequest, Reply};
use super::till_mutation;
use super::workload::{KeySpace, Writer};
use super::world::World;
use crate::till::queue::Split;
use crate::till::state::State;

/// Maximum number of pushes, and of pulls, in one sync.
const REQUESTS_MAX: usize = 60;

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) actor: Actor,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    clock: TillClock,
    offline: bool,
    running: Option<AbortHandle>,
    /// Whether the first token expired and a user signed in again.
    signed_in_again: bool,
    batches: u64,
    /// The batches as they were written.
    edits: Vec<PushRequest>,
    /// The batches that are too large to send and cannot be split, and those that a lost disk took along.
    given_up: Vec<PushRequest>,
    /// The batches that were answered; they may be sent again.
    answered: Vec<(PushRequest, PushResponse)>,
    /// The time of the last page. Only [`Mutation::WallClock`] uses it.
    pulled_at: Option<Timestamp>,
    /// Every change that the till received: table, id, stamp.
    seen: BTreeSet<(String, String, u64)>,
}

impl Inner {
    /// Notes the changes that the till received.
    fn see(&mut self, changes: &[PulledChange]) {
        let changes = changes.iter();
        self.seen.extend(
            changes.map(|change| (change.table_name.clone(), change.record_id.clone(), change.stamp.0)),
        );
    }

    /// The number from which a new installation counts its batches: for each another one.
    fn first_number(&self, actor: &Actor) -> u64 {
        let seed =
            actor.device.bytes().fold(self.batches, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte));
        Rng::new(seed).next_u64() >> 12
    }
}

impl Device {
    pub(crate) fn new(actor: Actor) -> Device {
        let clock = actor.clock;
        let mut inner = Inner { clock, ..Inner::default() };
        inner.state.queue.count_from(inner.first_number(&actor));
        Device { actor, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock().state)
    }

    /// Queues a random batch.
    pub(crate) fn edit(&self, true_time: Timestamp, keys: KeySpace, rng: &mut Rng) {
        let mut inner = self.lock();
        let clock = inner.clock_shows(true_time);
        let (device, rows, position) = (self.actor.device.as_str(), &inner.state.rows, inner.state.position);
        let mut batch = Writer { device, batch: inner.batches, rows, position, clock, keys }.batch(rng);
        batch.branch_id = Some(self.actor.caller.room.branch.to_string());
        inner.batches += 1;
        inner.edits.push(batch.clone());
        inner.state.queue.add(batch);
    }

    /// The batches as they were written.
    pub(crate) fn edits(&self) -> Vec<PushRequest> {
        self.lock().edits.clone()
    }

    /// The batches that ended without an answer.
    pub(crate) fn given_up(&self) -> Vec<PushRequest> {
        self.lock().given_up.clone()
    }

    pub(crate) fn set_online(&self, online: bool) {
        self.lock().offline = !online;
        if !online {
            self.crash();
        }
    }

    /// Aborts the sync that runs. The client state survives.
    pub(crate) fn crash(&self) {
        if let Some(running) = self.lock().running.take() {
            running.abort();
        }
    }

    /// Starts a push and a pull, unless one runs or the till is offline.
    pub(crate) fn start_sync(self: &Arc<Self>, world: &Arc<World>, seed: u64) {
        if self.is_busy() || self.lock().offline {
            return;
        }
        let (device, world) = (self.clone(), world.clone());
        let task = tokio::spawn(async move {
            let mut rng = Rng::new(seed);
            if device.push_all(&world, &mut rng).await {
                device.pull_all(&world, &mut rng).await;
            }
        });
        self.lock().running = Some(task.abort_handle());
    }

    /// The batches that were answered, each with the response that counts: after a snapshot a till offers its
    /// batches again under the same ids, and what a restore lost is applied again.
    pub(crate) fn answered(&self) -> Vec<(PushRequest, PushResponse)> {
        let inner = self.lock();
        one_response_each(inner.answered.clone())
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.lock().running.as_ref().is_some_and(|running| !running.is_finished())
    }

    async fn push_all(&self, world: &Arc<World>, rng: &mut Rng) -> bool {
        for _ in 0..REQUESTS_MAX {
            let Some(mut batch) = self.lock().send_first(world.clock.now()) else { return true };
            if world.mutation == Some(Mutation::FreshBatchIds) && batch.batch_id.is_some() {
                batch.batch_id = Some(format!("fresh-{:x}", rng.next_u64()));
            }
            let body = serde_json::to_string(&batch).unwrap_or_default();
            let reply = world.server.call(&self.caller(), ApiRequest::Push(body), rng).await;
            if let Some(reply) = reply.as_ref().filter(|reply| reply.status == 401) {
                self.sign_in_again(world, reply);
                continue;
            }
            if !reply.is_some_and(|reply| self.on_push_reply(world, &batch, &reply, rng)) {
                return false;
            }
        }
        false
    }

    /// Applies the reply to a push. Returns false if the till has to retry later.
    fn on_push_reply(&self, world: &World, batch: &PushRequest, reply: &Reply, rng: &mut Rng) -> bool {
        let mut inner = self.lock();
        match reply.status {
            200 => match serde_json::from_str::<PushResponse>(&reply.body) {
                Ok(response) => {
                    let taken = till_mutation::push_response(world, &inner.state, &response);
                    inner.state.take_push(&taken);
                    inner.answered.push((batch.clone(), response));
                    true
                }
                Err(error) => {
                    world.log.violation("refused", format!("the response to a push is malformed: {error}"));
                    false
                }
            },
            413 => {
                if !is_too_large(batch) {
                    let (device, body) = (&self.actor.device, &reply.body);
                    let what = format!("a small batch of {device} is answered 413: {body}");
                    world.log.violation("refused", what);
                }
                let mut id = || format!("split-{:x}", rng.next_u64());
                let split = inner.state.queue.split_first([id(), id()]);
                world.log.entries().coverage.situation("batch split", split == Split::Done);
                if split == Split::Impossible {
                    inner.state.queue.give_up_first("batch_too_large", "");
                    inner.given_up.push(batch.clone());
                }
                true
            }
            503 => false,
            status => {
                let (device, body) = (&self.actor.device, &reply.body);
                world.log.violation("refused", format!("a push of {device} is answered {status}: {body}"));
                inner.state.queue.give_up_first("refused", body);
                true
            }
        }
    }

    fn pull_query(&self, world: &World) -> String {
        till_mutation::pull_query(world, self.lock().state.pull_query())
    }

    async fn pull_all(&self, world: &Arc<World>, rng: &mut Rng) {
        let mut since = self.lock().pulled_at.filter(|_| world.mutation == Some(Mutation::WallClock));
        // Some pulls ask for a snapshot, with each of their requests.
        let asks = world.mutation.is_none_or(Mutation::asks_for_snapshots) && rng.clone().chance(40);
        let mode = if asks { "&mode=snapshot" } else { "" };
        for _ in 0..REQUESTS_MAX {
            let limit = rng.weighted(&[(2, 1), (3, 7), (5, 500)], 500);
            let query = match since.take() {
                Some(time) => format!("since={time}&limit={limit}"),
                None => format!("{}{mode}&limit={limit}", self.pull_query(world)),
            };
            let branch = &self.actor.caller.room.branch;
            let request = ApiRequest::Pull(format!("{query}&branch_id={branch}"));
            let started = world.clock.now();
            let Some(reply) = world.server.call(&self.caller(), request, rng).await else { return };
            match (reply.status, serde_json::from_str::<PullResponse>(&reply.body)) {
                (200, Ok(mut page)) => {
                    world.mutate_page(&self.actor.caller.room, &mut page);
                    if !self.on_page(&page, started) {
                        return;
                    }
                }
                (401, _) => self.sign_in_again(world, &reply),
                (503, _) => tokio::time::sleep(Duration::from_millis(rng.between(50, 1500))).await,
                (status, _) => {
                    let (device, body) = (&self.actor.device, &reply.body);
                    let what = format!("a pull of {device} is answered {status}: {body}");
                    return world.log.violation("refused", what);
                }
            }
        }
    }

    /// Applies a page. Returns whether there are more.
    fn on_page(&self, page: &PullResponse, started: Timestamp) -> bool {
        let mut inner = self.lock();
        inner.see(&page.changes);
        inner.pulled_at = Some(started);
        inner.state.take_page(page).more
    }

    /// Receives a frame. Returns whether the till has to pull.
    pub(crate) fn on_frame(&self, world: &World, frame: &Frame) -> bool {
        let mut inner = self.lock();
        match frame {
            Frame::Change(frame) => {
                inner.seen.insert((frame.table_name.clone(), frame.record_id.clone(), frame.stamp.0));
            }
            Frame::Commit(frame) => inner.see(&frame.changes),
        }
        if inner.offline {
            return false;
        }
        let followed = match till_mutation::frame(world, &inner.state, frame) {
            Frame::Change(frame) => inner.state.on_frame(&frame).0,
            Frame::Commit(frame) => inner.state.on_batch_frame(&frame).0,
        };
        let situation = match followed {
            Follow::Apply => "frame applied",
            Follow::Drop => "frame dropped",
            Follow::Pull => "frame after a gap",
        };
        world.log.entries().coverage.situation(situation, true);
        followed == Follow::Pull
    }

    /// Every change that the till received: table, id, stamp.
    pub(crate) fn seen(&self) -> BTreeSet<(String, String, u64)> {
        self.lock().seen.clone()
    }
}
