//! A till: a client as a shop would run it, in Rust. A queue of batches, a local store, a WebSocket, and the
//! rule of [`shared::sync::follow`] that holds them together.

pub mod meter;
pub mod queue;
pub mod rows;
pub mod socket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared::protocol::auth::Login;
use shared::protocol::push::{PushAnswer, PushBody};
use shared::stamp::Stamp;
use shared::sync::follow::{Follow, follow};
use tokio::sync::Notify;

use crate::api::{Api, CallError};
use meter::Meter;
use queue::Queue;
use rows::Rows;
use socket::Socket;

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

/// What a till keeps: on a real one, on its disk.
#[derive(Default)]
pub struct State {
    /// The records.
    pub rows: Rows,
    /// Where it stands in its room.
    pub position: Stamp,
    /// What it has not pushed yet.
    pub queue: Queue,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A test that panicked while it held the lock has failed already.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Till {
    /// Signs in as `login`, opens the socket, and starts to follow the room.
    pub async fn open(api: &Api, login: &Login, meter: Arc<Meter>) -> Result<Till, CallError> {
        let device = login.device_id.as_ref().map_or_else(|| login.username.clone(), ToString::to_string);
        let (api, _) = api.login(login).await?;
        let (state, gap) = (Arc::new(Mutex::new(State::default())), Arc::new(Notify::new()));
        let socket = Socket::open(&api, &device, state.clone(), gap.clone(), meter.clone());
        Ok(Till { device, meter, api, state, gap, socket })
    }

    /// Puts a batch at the end of the queue.
    pub fn enqueue(&self, batch: PushBody) {
        lock(&self.state).queue.add(batch);
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
            let Some(batch) = lock(&self.state).queue.first() else { return Ok(()) };
            let answer = self.push(&batch).await?;
            if self.take(&batch, &answer) == Follow::Pull {
                self.gap.notify_one();
            }
            lock(&self.state).queue.done();
        }
    }

    /// Sends `batch` until it is answered.
    async fn push(&self, batch: &PushBody) -> Result<PushAnswer, CallError> {
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
                    let answer: PushAnswer = reply.ok()?;
                    self.meter.pushed(started.elapsed(), batch.records.len(), reply.cost());
                    return Ok(answer);
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Takes over what was applied. The answer obeys the same rule as a frame, since a till does not hear its own.
    fn take(&self, batch: &PushBody, answer: &PushAnswer) -> Follow {
        let mut state = lock(&self.state);
        for applied in &answer.applied {
            let Some(record) = batch.records.get(applied.index) else { continue };
            let data = applied.data.as_ref().or(record.data.as_ref());
            let data = data.map_or("null", |data| data.as_str());
            state.rows.put(record, applied.version, applied.stamp, data);
        }
        state.queue.note(answer);
        let followed = follow(state.position, answer.prev, answer.stamp);
        if followed == Follow::Apply {
            state.position = answer.stamp;
        }
        followed
    }

    /// Pulls until there is nothing new.
    pub async fn pull_all(&self) -> Result<(), CallError> {
        loop {
            let position = lock(&self.state).position;
            let (page, cost) = self.api.pull(position, PULL_LIMIT).await?;
            self.meter.pulled(page.changes.len(), cost);
            let mut state = lock(&self.state);
            for change in &page.changes {
                if state.rows.apply(change) && change.device_id != self.device {
                    self.meter.seen(&change.table_name, &change.record_id);
                }
            }
            state.position = state.position.max(page.stamp);
            if !page.has_more {
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
