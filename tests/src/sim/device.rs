//! A till of a run: the client of the replay, on a network that loses things and with a clock that is wrong.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::{PushRequest, PushResponse};
use protocol::wire::socket::SyncFrame;
use sync::follow::Follow;
use tokio::task::AbortHandle;

use super::cast::Part;
use super::clock::skewed;
use super::dice::Dice;
use super::edit::{Shop, Writer};
use super::lock;
use super::sabotage::Sabotage;
use super::server::{Ask, Reply};
use super::world::World;
use crate::till::queue::Split;
use crate::till::state::State;

/// Requests that a till makes in one go before it takes a rest.
const REQUESTS_MAX: usize = 60;

/// A till of a run.
#[derive(Debug)]
pub struct Device {
    /// Who it is.
    pub part: Part,
    inner: Mutex<Inner>,
}

/// What is on its disk, and what it is doing.
#[derive(Debug)]
struct Inner {
    state: State,
    online: bool,
    running: Option<AbortHandle>,
    batches: u64,
    /// What was answered, and when: it may be sent again.
    done: Vec<(PushRequest, PushResponse, Timestamp)>,
    /// When the last page was answered; only a broken till asks for it.
    pulled_at: Option<Timestamp>,
    /// Every change that it was ever shown: table, id, stamp.
    seen: BTreeSet<(String, String, u64)>,
}

impl Inner {
    fn is_busy(&self) -> bool {
        self.running.as_ref().is_some_and(|running| !running.is_finished())
    }
}

impl Device {
    /// A till that has just been bought.
    pub fn new(part: Part) -> Device {
        let inner = Inner {
            state: State::default(),
            online: true,
            running: None,
            batches: 0,
            done: Vec::new(),
            pulled_at: None,
            seen: BTreeSet::new(),
        };
        Device { part, inner: Mutex::new(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    /// Reads what it keeps.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock().state)
    }

    /// Somebody writes at it.
    pub fn write(&self, true_time: Timestamp, shop: Shop, dice: &mut Dice) {
        let mut inner = self.lock();
        let clock = skewed(true_time, self.part.skew_micros);
        let writer =
            Writer { device: &self.part.device, batch: inner.batches, rows: &inner.state.rows, clock, shop };
        let mut batch = writer.batch(dice);
        batch.branch_id = self.part.branch.clone();
        inner.batches += 1;
        inner.state.enqueue(batch);
    }

    /// Connects or disconnects it.
    pub fn set_online(&self, online: bool) {
        self.lock().online = online;
        if !online {
            self.stop();
        }
    }

    /// Stops whatever it does; what it keeps is on its disk.
    pub fn stop(&self) {
        if let Some(running) = self.lock().running.take() {
            running.abort();
        }
    }

    /// Starts to push and pull, unless it does or cannot.
    pub fn start_sync(self: &Arc<Self>, world: &Arc<World>, seed: u64) {
        let mut inner = self.lock();
        if inner.is_busy() || !inner.online {
            return;
        }
        let (device, world) = (self.clone(), world.clone());
        let task = tokio::spawn(async move {
            let mut dice = Dice::new(seed);
            if device.push_all(&world, &mut dice).await {
                device.pull_all(&world, &mut dice).await;
            }
        });
        inner.running = Some(task.abort_handle());
    }

    /// The batches that were answered, with their answers.
    pub fn answered(&self) -> Vec<(PushRequest, PushResponse)> {
        self.lock().done.iter().map(|(batch, answer, _)| (batch.clone(), answer.clone())).collect()
    }

    /// Whether it pushes or pulls.
    pub fn is_busy(&self) -> bool {
        self.lock().is_busy()
    }

    /// A batch that was answered while its marker lives. An atomic one that was undone has none: it would be decided
    /// anew, which the till that was told so does not ask for.
    pub fn old_batch(&self, now: Timestamp, dice: &mut Dice) -> Option<PushRequest> {
        const AGE_MICROS_MAX: u64 = 80 * 24 * 3600 * 1_000_000;
        let inner = self.lock();
        let young = |at: &Timestamp| at.0.saturating_add(AGE_MICROS_MAX) > now.0;
        let candidates: Vec<&PushRequest> = inner
            .done
            .iter()
            .filter(|(batch, answer, at)| batch.batch_id.is_some() && answer.success && young(at))
            .map(|(batch, ..)| batch)
            .collect();
        dice.pick(&candidates).map(|batch| (*batch).clone())
    }

    async fn push_all(&self, world: &Arc<World>, dice: &mut Dice) -> bool {
        for _ in 0..REQUESTS_MAX {
            let Some(mut batch) = self.read(State::next_batch) else { return true };
            if world.sabotage == Some(Sabotage::FreshBatchIds) && batch.batch_id.is_some() {
                batch.batch_id = Some(format!("fresh-{:x}", dice.roll()));
            }
            let body = serde_json::to_string(&batch).unwrap_or_default();
            let Some(reply) = world.server.call(&self.part.caller, Ask::Push(body), dice).await else {
                return false;
            };
            if !self.take_push(world, &batch, &reply, dice) {
                return false;
            }
        }
        false
    }

    /// What a till makes of the answer to a push; false if it is to come back later.
    fn take_push(&self, world: &World, batch: &PushRequest, reply: &Reply, dice: &mut Dice) -> bool {
        let mut inner = self.lock();
        match reply.status {
            200 => match serde_json::from_str::<PushResponse>(&reply.body) {
                Ok(answer) => {
                    inner.state.take_push(&answer);
                    inner.done.push((batch.clone(), answer, world.clock.now()));
                    true
                }
                Err(error) => {
                    world.journal.find("refused", format!("the answer to a push is none: {error}"));
                    false
                }
            },
            413 => {
                let mut id = || format!("split-{:x}", dice.roll());
                if inner.state.split_first([id(), id()]) == Split::Impossible {
                    inner.state.give_up_first("batch_too_large", "");
                }
                true
            }
            503 => false,
            status => {
                world.journal.find(
                    "refused",
                    format!("{} was answered {status} to a push: {}", self.part.device, reply.body),
                );
                inner.state.give_up_first("refused", &reply.body);
                true
            }
        }
    }

    async fn pull_all(&self, world: &Arc<World>, dice: &mut Dice) -> bool {
        let mut since = self.lock().pulled_at.filter(|_| world.sabotage == Some(Sabotage::WallClock));
        for _ in 0..REQUESTS_MAX {
            let limit = dice.weighted(&[(2, 1), (3, 7), (5, 500)], 500);
            let query = match since.take() {
                Some(time) => format!("since={time}&limit={limit}"),
                None => format!("cursor={}&limit={limit}", self.read(State::cursor)),
            };
            let branch = self.part.branch.iter().map(|branch| format!("&branch_id={branch}"));
            let query = query + &branch.collect::<String>();
            let asked_at = world.clock.now();
            let Some(reply) = world.server.call(&self.part.caller, Ask::Pull(query), dice).await else {
                return false;
            };
            match (reply.status, serde_json::from_str::<PullResponse>(&reply.body)) {
                (200, Ok(mut page)) => {
                    world.mangle(&self.part.caller.room, &mut page);
                    let mut inner = self.lock();
                    inner.seen.extend(
                        page.changes.iter().map(|change| {
                            (change.table_name.clone(), change.record_id.clone(), change.stamp.0)
                        }),
                    );
                    let taken = inner.state.take_page(&page);
                    inner.pulled_at = Some(asked_at);
                    if !taken.more {
                        return true;
                    }
                }
                (503, _) => tokio::time::sleep(Duration::from_millis(dice.between(50, 1500))).await,
                (status, _) => {
                    let (device, body) = (&self.part.device, &reply.body);
                    world
                        .journal
                        .find("refused", format!("{device} was answered {status} to a pull: {body}"));
                    return false;
                }
            }
        }
        false
    }

    /// A frame arrives; whether the till must pull.
    pub fn hear(&self, frame: &SyncFrame) -> bool {
        let mut inner = self.lock();
        inner.seen.insert((frame.table_name.clone(), frame.record_id.clone(), frame.stamp.0));
        inner.online && inner.state.hear(frame).0 == Follow::Pull
    }

    /// Every change that it was ever shown: table, id, stamp.
    pub fn seen(&self) -> BTreeSet<(String, String, u64)> {
        self.lock().seen.clone()
    }

    /// Where it stands.
    pub fn position(&self) -> Stamp {
        self.read(|state| state.position)
    }
}
