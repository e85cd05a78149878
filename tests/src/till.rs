//! A till: a client as a shop would run it, in Rust. [`state`] is what it keeps and the rules by which that changes;
//! here are the network and the clock around it.

pub mod state;

pub mod queue;
pub mod rows;
pub mod walk;

pub mod meter;
pub mod socket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::wire::auth::LoginRequest;
use protocol::wire::push::{PushRequest, PushResponse};
use sync::follow::Follow;
use tokio::sync::Notify;

use crate::api::{Api, CallError};
use crate::fleet;
use meter::Meter;
use queue::Split;
use socket::Socket;
use state::State;

/// Changes a till asks for at once.
const PULL_LIMIT: usize = 500;

/// A till that is signed in.
pub struct Till {
    /// Its device id.
    pub device: String,
    /// What it measures.
    pub meter: Arc<Meter>,
    api: Api,
    state: Arc<Mutex<State>>,
    /// Rung when the socket saw a gap: something must be pulled.
    gap: Arc<Notify>,
    socket: Socket,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A test that panicked while it held the lock has failed already.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Till {
    /// Signs in as `login`, opens the socket, and starts to follow the room.
    pub async fn open(api: &Api, login: &LoginRequest, meter: Arc<Meter>) -> Result<Till, CallError> {
        let device = login.device_id.as_ref().map_or_else(|| login.username.clone(), ToString::to_string);
        let (api, _) = api.login(login).await?;
        let (state, gap) = (Arc::new(Mutex::new(State::default())), Arc::new(Notify::new()));
        let socket = Socket::open(&api, &device, state.clone(), gap.clone(), meter.clone());
        Ok(Till { device, meter, api, state, gap, socket })
    }

    /// Puts a batch at the end of the queue.
    pub fn enqueue(&self, batch: PushRequest) {
        lock(&self.state).enqueue(batch);
    }

    /// Reads what the till keeps.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&lock(&self.state))
    }

    /// Waits until the socket is open.
    pub async fn connected(&self) {
        self.socket.connected().await;
    }

    /// Pushes until the queue is empty, each batch as often as it takes, under the same batch id.
    pub async fn push_all(&self) -> Result<(), CallError> {
        loop {
            let Some(batch) = lock(&self.state).next_batch() else { return Ok(()) };
            match self.push(&batch).await {
                Ok(answer) if lock(&self.state).take_push(&answer) == Follow::Pull => self.gap.notify_one(),
                Ok(_) => {}
                Err(CallError::Status { status, .. })
                    if status.as_u16() == 413 && self.split_first() == Split::Done => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn split_first(&self) -> Split {
        lock(&self.state).split_first([fleet::batch_id(), fleet::batch_id()])
    }

    /// Sends `batch` until it is answered.
    async fn push(&self, batch: &PushRequest) -> Result<PushResponse, CallError> {
        self.meter.pushing(batch);
        let body = serde_json::to_string(batch).unwrap_or_default();
        loop {
            let started = Instant::now();
            let reply = self.api.post("/api/sync/batch-push", body.clone()).await;
            match reply {
                Ok(reply) if reply.status.as_u16() == 503 => self.meter.retried(),
                Err(CallError::Http(_)) => self.meter.retried(),
                reply => {
                    let reply = reply?;
                    let answer: PushResponse = reply.ok()?;
                    self.meter.pushed(started.elapsed(), batch.records.len(), reply.cost());
                    return Ok(answer);
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Pulls until there is nothing new.
    pub async fn pull_all(&self) -> Result<(), CallError> {
        loop {
            let cursor = lock(&self.state).cursor();
            let (page, cost) = self.api.pull_at(&cursor, PULL_LIMIT).await?;
            self.meter.pulled(page.changes.len(), cost);
            let taken = lock(&self.state).take_page(&page);
            let others = taken.news.iter().filter_map(|&i| page.changes.get(i));
            for change in others.filter(|change| change.device_id != self.device) {
                self.meter.seen(&change.table_name, &change.record_id);
            }
            if !taken.more {
                return Ok(());
            }
        }
    }

    /// Pulls whenever the socket or a push's answer skipped something. Runs until it is dropped.
    pub async fn mend_gaps(&self) -> Result<(), CallError> {
        loop {
            self.gap.notified().await;
            self.pull_all().await?;
        }
    }
}
