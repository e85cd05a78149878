//! All parts of a run, and the run itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::ids::Room;
use protocol::wire::pull::PullResponse;
use sync::tables::Tables;
use tokio::sync::mpsc::unbounded_channel;

use super::clock::Clock;
use super::device::Device;
use super::environment::Environment;
use super::event_log::EventLog;
use super::fault_rates::FaultRates;
use super::groups::Groups;
use super::head_office::HeadOffice;
use super::mutation::Mutation;
use super::network::FaultyNetwork;
use super::redis::network::FaultyRedis;
use super::redis::random;
use super::release::Release;
use super::restore::TablesCopy;
use super::rng::Rng;
use super::scenario::{Action, Step, has_programs};
use super::server::{ApiRequest, Server};
use super::workload::KeySpace;
use super::{
    SimError, actors, broadcast, carts, damage, dead_letters, probe, reads, resolve, restore, storage,
    stream, stream_functions, ttl_reaper,
};

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) log: Arc<EventLog>,
    pub(crate) network: FaultyNetwork,
    pub(crate) server: Arc<Server>,
    /// The tills, and after them head office's devices.
    pub(crate) devices: Vec<Arc<Device>>,
    pub(crate) tills: usize,
    /// The client that follows all branches at once.
    pub(crate) head_office: Option<HeadOffice>,
    /// Its branches. Those without a device stay empty.
    pub(crate) branches: Vec<Room>,
    /// Tokens for requests that must be refused.
    pub(crate) tokens: probe::Tokens,
    /// The rule that is removed.
    pub(crate) mutation: Option<Mutation>,
    pub(crate) tables: Tables,
    /// The last copy of the tables.
    pub(crate) copy: Mutex<Option<TablesCopy>>,
    pub(crate) redis: FaultyRedis,
    /// The latest stamp of each cart that each device has seen, by the device's number.
    pub(crate) carts_seen: Mutex<BTreeMap<(usize, &'static str), u64>>,
    keys: KeySpace,
}

impl World {
    /// Builds the run for `seed`.
    pub(crate) fn new(
        environment: &Environment,
        seed: u64,
        tills: usize,
        mutation: Option<Mutation>,
    ) -> Result<Arc<World>, SimError> {
        // The SDK draws its retries' jitter and its transaction tokens from this thread's generator.
        fastrand::seed(seed);
        random::seed(seed);
        let mut rng = Rng::derived(seed, 1);
        let rates = FaultRates::random(&mut rng);
        let (clock, log) = (Clock::start(), Arc::new(EventLog::default()));
        let network = FaultyNetwork::new(environment.tables()?, log.clone(), rates.clone(), mutation);
        let redis = FaultyRedis::new(&environment.redis, clock, &log, &rates, mutation);
        let (published, publications) = unbounded_channel();
        let deployment = environment.deployment(&network, &redis)?;
        let tables = deployment.functions(Release::Now).batch_push.sync()?.rules.tables.clone();
        let (healed, calls) = (AtomicBool::default(), AtomicU64::default());
        let server = Server {
            deployment,
            clock,
            log: log.clone(),
            rates,
            healed,
            calls,
            groups: (seed.is_multiple_of(2) && mutation.is_none_or(Mutation::pushes_groups))
                .then(Groups::default),
            mutation,
            published: published.clone(),
        };
        let mut actors = actors::tills(&environment.signer, &mut rng, tills)?;
        let branches = actors::branches(seed)?;
        let offices = actors::offices(&environment.signer, &mut rng, &branches)?;
        let head_office = offices.first().map(|office| HeadOffice::new(office.caller.clone()));
        actors.extend(offices);
        let rooms: BTreeSet<&Room> = actors.iter().map(|actor| &actor.caller.room).chain(&branches).collect();
        let mut notes = Rng::derived(seed, 3);
        rooms.iter().for_each(|room| storage::create_branch(network.tables(), room, notes.chance(900)));
        let world = Arc::new(World {
            clock,
            log,
            network,
            server: Arc::new(server),
            tills,
            head_office,
            branches,
            tokens: probe::Tokens::sign(&environment.signer)?,
            devices: actors.into_iter().map(|actor| Arc::new(Device::new(actor))).collect(),
            mutation,
            tables,
            copy: Mutex::default(),
            redis,
            carts_seen: Mutex::default(),
            keys: KeySpace::random(&mut rng),
        });
        tokio::spawn(broadcast::run(world.clone(), publications, rng.next_u64()));
        tokio::spawn(stream::run(world.clone(), published, rng.next_u64()));
        if has_programs(seed) {
            tokio::spawn(stream_functions::invalidate(world.clone(), rng.next_u64()));
            tokio::spawn(stream_functions::compact(world.clone(), rng.next_u64()));
        }
        Ok(world)
    }

    pub(crate) fn fault_rates(&self) -> FaultRates {
        self.server.fault_rates()
    }

    pub(crate) fn rooms(&self) -> BTreeSet<Room> {
        self.devices.iter().map(|device| device.actor.caller.room.clone()).collect()
    }

    /// Runs the steps in order, each at its time.
    pub(crate) async fn run(self: &Arc<Self>, steps: &[Step]) {
        if steps.iter().any(|step| step.action == Action::Deploy) {
            self.server.deployment.begin();
        }
        for step in steps {
            tokio::time::sleep(Duration::from_millis(step.wait_millis)).await;
            self.log.trace(&format!("{} {:?}", self.clock.now(), step.action));
            self.act(step.action, Rng::new(step.seed));
        }
    }

    fn act(self: &Arc<Self>, action: Action, mut rng: Rng) {
        let index = match action {
            Action::Expire => return ttl_reaper::delete_expired(self, &mut rng),
            Action::HeadOfficePull => return self.pull_head_office(rng),
            Action::Probe => return probe::send(self, rng),
            Action::HandleDeadLetter => return dead_letters::handle(self, rng),
            Action::Damage => return damage::damage(self, &mut rng),
            Action::ReadStats => return reads::read_stats(self, rng),
            Action::Read => return reads::read(self, rng),
            Action::UseCart => return carts::act(self, rng),
            Action::Resolve => return resolve::resolve(self, rng),
            Action::ForgetKeys => return self.redis.forget(&mut rng),
            Action::StopRedis => return self.redis.go_down(&mut rng),
            Action::Copy => return restore::copy(self),
            Action::Restore => return restore::put_back(self),
            Action::Deploy => return self.server.deployment.advance(&mut rng),
            Action::HeadOfficeWrite => self.tills + self.office(&mut rng),
            Action::Edit(i) | Action::Sync(i) | Action::Crash(i) | Action::Resend(i) => i,
            Action::Disconnect(i) | Action::Reconnect(i) | Action::Reinstall(i) => i,
        };
        let Some(device) = self.devices.get(index) else { return };
        match action {
            Action::Edit(_) => return device.edit(self.clock.now(), self.keys, &mut rng),
            Action::Disconnect(_) => return device.set_online(false),
            Action::Crash(_) => return device.restart(self.clock.now()),
            Action::Reinstall(_) => return device.reinstall(),
            Action::Resend(_) => return self.resend(device, rng),
            Action::Reconnect(_) => device.set_online(true),
            Action::HeadOfficeWrite => device.edit(self.clock.now(), self.keys, &mut rng),
            _ => {}
        }
        device.start_sync(self, rng.next_u64());
    }

    /// One of head office's devices: mostly one of a branch without tills, if there are such.
    fn office(&self, rng: &mut Rng) -> usize {
        let of_tills = usize::from(rng.chance(300));
        let others = self.devices.len().saturating_sub(self.tills + 2);
        match others > 0 && rng.chance(800) {
            true => 2 + usize::try_from(rng.below(others as u64)).unwrap_or_default(),
            false => of_tills,
        }
    }

    fn pull_head_office(self: &Arc<Self>, mut rng: Rng) {
        let world = self.clone();
        tokio::spawn(async move {
            if let Some(head_office) = &world.head_office {
                head_office.pull(&world, &mut rng).await;
            }
        });
    }

    /// Sends a batch again that was answered before. Its response goes nowhere.
    fn resend(self: &Arc<Self>, device: &Arc<Device>, mut rng: Rng) {
        let Some(batch) = device.old_batch(self.clock.now(), &mut rng) else { return };
        let (world, caller) = (self.clone(), device.caller());
        tokio::spawn(async move {
            let body = serde_json::to_string(&batch).unwrap_or_default();
            world.server.call(&caller, ApiRequest::Push(body), &mut rng).await;
        });
    }

    /// Ends all faults, then lets every till push and pull until there is nothing left to do.
    pub(crate) async fn settle(self: &Arc<Self>) {
        const ROUNDS_MAX: usize = 12;
        // Requests that are under way arrive or time out.
        tokio::time::sleep(Duration::from_secs(120)).await;
        self.server.deployment.finish();
        self.network.heal();
        self.redis.heal();
        self.server.heal();
        self.devices.iter().for_each(|device| device.set_online(true));
        tokio::time::sleep(Duration::from_secs(120)).await;
        for round in 0..ROUNDS_MAX {
            for (i, device) in (0_u64..).zip(&self.devices) {
                device.start_sync(self, Rng::derived(round as u64, i).next_u64());
            }
            while self.devices.iter().any(|device| device.is_busy()) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let is_settled = self.devices.iter().all(|device| self.is_settled(device));
            let has_all = match &self.head_office {
                Some(head_office) => {
                    head_office.catch_up(self, is_settled, &mut Rng::new(round as u64)).await
                }
                None => true,
            };
            if has_all && is_settled {
                return;
            }
        }
        self.log.violation("settle", "the tills do not settle");
    }

    fn is_settled(&self, device: &Device) -> bool {
        let head = storage::head(self.network.tables(), &device.actor.caller.room);
        device.read(|state| state.queue.is_empty() && !state.is_in_snapshot() && state.position == head.stamp)
    }

    /// Changes a page as [`Mutation::LateTail`] asks.
    pub(crate) fn mutate_page(&self, room: &Room, page: &mut PullResponse) {
        if self.mutation == Some(Mutation::LateTail)
            && page.mode == "snapshot"
            && let Some(rest) = page.next_cursor.strip_prefix("p1.")
        {
            let head = storage::head(self.network.tables(), room);
            let tables = rest.split('.').nth(1).unwrap_or_default();
            page.next_cursor = format!("p1.{}.{tables}", head.stamp.0);
            page.has_more = false;
            page.stamp = head.stamp;
        }
    }
}
