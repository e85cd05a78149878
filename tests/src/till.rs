//! A client as a shop runs it. [`state`] holds its data and rules as a pure value; this file adds network and
//! clock.

pub mod state;

pub mod acknowledged;
pub mod queue;
pub mod rows;

pub mod meter;
pub mod socket;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol::follow::Follow;
use protocol::ids::BranchId;
use protocol::wire::auth::LoginRequest;
use protocol::wire::push::{PushRequest, PushResponse};
use tokio::sync::Notify;

use crate::api::{Api, CallError};
use crate::fleet;
use crate::lock;
use meter::Meter;
use queue::Split;
use socket::{Follower, Socket, SocketOptions};
use state::State;

/// Changes in a page.
const PULL_LIMIT: usize = 500;
/// Time before a push is retried.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A signed-in till.
pub struct Till {
    /// The device id.
    pub device: String,
    /// Its measurements.
    pub meter: Arc<Meter>,
    /// The branch whose data it holds; every request names it. `None` for a super admin.
    branch: Option<BranchId>,
    api: Api,
    state: Arc<Mutex<State>>,
    /// Notified when a change was missed and a pull is needed.
    gap: Arc<Notify>,
    socket: Socket,
}

impl Till {
    /// Signs in, opens the socket and follows the room.
    pub async fn open(api: &Api, login: &LoginRequest, meter: Arc<Meter>) -> Result<Till, CallError> {
        Till::open_with(api, login, meter, SocketOptions::default()).await
    }

    /// The same with a socket as `options` say.
    pub async fn open_with(
        api: &Api,
        login: &LoginRequest,
        meter: Arc<Meter>,
        options: SocketOptions,
    ) -> Result<Till, CallError> {
        let device = login.device_id.as_ref().map_or_else(|| login.username.clone(), ToString::to_string);
        let (api, session) = api.login(login).await?;
        let mut state = State::default();
        state.queue.count_from(fleet::first_number());
        let (state, gap) = (Arc::new(Mutex::new(state)), Arc::new(Notify::new()));
        let follower = Follower { options, state: state.clone(), gap: gap.clone(), meter: meter.clone() };
        let socket = Socket::open(&api, &device, follower);
        Ok(Till { device, meter, branch: session.user.branch_id, api, state, gap, socket })
    }

    /// Signs in again. The till keeps its data, its queue and the branch that they are of, and its socket the
    /// token from before.
    pub async fn sign_in_again(&mut self, login: &LoginRequest) -> Result<(), CallError> {
        (self.api, _) = self.api.login(login).await?;
        Ok(())
    }

    /// Adds a batch to the queue, as one of the branch whose data the till holds, dated by the till's clock.
    pub fn enqueue(&self, batch: PushRequest) {
        let (branch_id, now) = (self.branch.as_ref().map(ToString::to_string), fleet::now());
        let device_time = Some(now.to_string());
        let mut state = lock(&self.state);
        state.clock_shows(now.into());
        state.queue.add(PushRequest { branch_id, device_time, ..batch });
    }

    /// Reads the state.
    pub fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&lock(&self.state))
    }

    /// Waits until the socket is open.
    pub async fn connected(&self) {
        self.socket.connected().await;
    }

    /// Pushes until the queue is empty. Each batch keeps its batch id through all retries.
    pub async fn push_all(&self) -> Result<(), CallError> {
        lock(&self.state).queue.offer_aside();
        loop {
            let Some(batch) = self.send_first() else { return Ok(()) };
            match self.push(&batch).await {
                Ok(response) if lock(&self.state).take_push(&response) == Follow::Pull => {
                    self.gap.notify_one();
                }
                Ok(_) => {}
                Err(CallError::Status { status, .. })
                    if status.as_u16() == 413
                        && lock(&self.state).queue.split_first([fleet::batch_id(), fleet::batch_id()])
                            == Split::Done => {}
                Err(error) => match error.dead_letters_full() {
                    Some(indexes) => {
                        let ids = [fleet::batch_id(), fleet::batch_id()];
                        lock(&self.state).queue.set_aside(&indexes, ids);
                    }
                    None => return Err(error),
                },
            }
        }
    }

    /// The batch to send now.
    fn send_first(&self) -> Option<PushRequest> {
        let mut state = lock(&self.state);
        state.clock_shows(fleet::now().into());
        state.queue.send_first()
    }

    /// Sends `batch` until it is answered, each time with the time of the attempt, unless the clock of the
    /// till was set back since it was written.
    async fn push(&self, batch: &PushRequest) -> Result<PushResponse, CallError> {
        self.meter.push_started(batch);
        loop {
            let started = Instant::now();
            let device_time = batch.device_time.as_ref().map(|_| fleet::now().to_string());
            let dated = PushRequest { device_time, ..batch.clone() };
            let body = serde_json::to_string(&dated).unwrap_or_default();
            match self.api.post("/api/sync/batch-push", body).await {
                Ok(reply) if reply.status.as_u16() == 503 => {}
                Err(CallError::Http(_)) => {}
                reply => {
                    let reply = reply?;
                    let response: PushResponse = reply.ok()?;
                    self.meter.push_answered(started.elapsed(), batch.records.len(), reply.cost());
                    return Ok(response);
                }
            }
            self.meter.push_retried();
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    /// Pulls until there are no more changes.
    pub async fn pull_all(&self) -> Result<(), CallError> {
        loop {
            let mut query = lock(&self.state).pull_query();
            query.extend(self.branch.iter().map(|branch| format!("&branch_id={branch}")));
            let (page, cost) = self.api.pull_query(&query, PULL_LIMIT).await?;
            self.meter.page_pulled(page.changes.len(), cost);
            let taken = lock(&self.state).take_page(&page);
            let new = taken.new.iter().filter_map(|&i| page.changes.get(i));
            for change in new.filter(|change| change.device_id != self.device) {
                self.meter.change_seen(&change.table_name, &change.record_id);
            }
            if !taken.more {
                return Ok(());
            }
        }
    }

    /// Pulls whenever the socket or the response to a push showed that the till misses something. Does not
    /// return without an error.
    pub async fn fill_gaps(&self) -> Result<(), CallError> {
        loop {
            self.gap.notified().await;
            self.pull_all().await?;
        }
    }

    /// Pushes and pulls until both have nothing left to do: a pull may queue batches again that the server
    /// lost.
    pub async fn sync_all(&self) -> Result<(), CallError> {
        loop {
            self.push_all().await?;
            self.pull_all().await?;
            if self.read(|state| state.queue.is_empty()) {
                return Ok(());
            }
        }
    }
}
