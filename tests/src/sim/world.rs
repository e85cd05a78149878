//! Everything that takes part in a run, and the run itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::ids::Room;
use protocol::wire::pull::PullResponse;
use sync::log;
use sync::tables::Tables;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use functions::sync::items::to_log;
use functions::sync::keys;
use protocol::wire::publication::Publication;

use super::broadcast;
use super::clock::Clock;
use super::device::Device;
use super::dice::Dice;
use super::edit::Shop;
use super::journal::{Event, Journal};
use super::line::FaultyLine;
use super::overseer::Overseer;
use super::plan::{Act, Step};
use super::sabotage::Sabotage;
use super::server::{Ask, Server};
use super::stage::Stage;
use super::stored;
use super::sweeper;
use super::weather::Weather;
use super::wire;

/// A run: its parts, as they stand.
pub struct World {
    /// The true time.
    pub clock: Clock,
    /// What happened.
    pub journal: Arc<Journal>,
    /// The way to the tables.
    pub line: FaultyLine,
    /// The functions.
    pub server: Arc<Server>,
    /// The tills, and after them head office's devices.
    pub devices: Vec<Arc<Device>>,
    /// How many of them are tills.
    pub tills: usize,
    /// Who follows all branches at once.
    pub overseer: Option<Overseer>,
    /// What is broken on purpose.
    pub sabotage: Option<Sabotage>,
    /// The tables that are synced.
    pub tables: Tables,
    weather: Weather,
    shop: Shop,
    calm: AtomicBool,
}

impl World {
    /// Sets the stage for the run with `seed`.
    pub fn open(
        stage: &Stage,
        seed: u64,
        tills: usize,
        sabotage: Option<Sabotage>,
    ) -> Result<Arc<World>, super::SimError> {
        // What the SDK draws (the jitter of its retries, the tokens of its transactions) comes from this thread's
        // generator.
        fastrand::seed(seed);
        let mut dice = Dice::of(seed, 1);
        let weather = Weather::of(&mut dice);
        let (clock, journal) = (Clock::start(), Arc::new(Journal::default()));
        let line = FaultyLine::new(stage.tables()?, journal.clone(), weather.clone(), sabotage);
        let (published, publications) = unbounded_channel();
        let functions = stage.functions(&line)?;
        let tables = functions.batch_push.sync()?.rules.tables.clone();
        let server = Server::new(functions, clock, journal.clone(), weather.clone(), published.clone());
        let (mut parts, offices) = (stage.tills(&mut dice, tills)?, stage.offices(&mut dice)?);
        let overseer = offices.first().map(|office| Overseer::new(office.caller.clone()));
        parts.extend(offices);
        let world = Arc::new(World {
            clock,
            journal,
            line,
            server: Arc::new(server),
            tills,
            overseer,
            devices: parts.into_iter().map(|part| Arc::new(Device::new(part))).collect(),
            sabotage,
            tables,
            weather,
            shop: Shop::of(&mut dice),
            calm: AtomicBool::new(false),
        });
        tokio::spawn(broadcast::run(world.clone(), publications, dice.roll()));
        tokio::spawn(world.clone().stream(published));
        Ok(world)
    }

    /// The weather as it is.
    pub fn weather(&self) -> Weather {
        if self.calm.load(Ordering::Relaxed) { Weather::calm() } else { self.weather.clone() }
    }

    /// Lets `steps` happen, one after the other, each when its time has come.
    pub async fn play(self: &Arc<Self>, steps: &[Step]) {
        for step in steps {
            tokio::time::sleep(Duration::from_millis(step.wait_millis)).await;
            self.journal.trace(&format!("{} {:?}", self.clock.now(), step.act));
            self.act(step);
        }
    }

    fn act(self: &Arc<Self>, step: &Step) {
        let mut dice = Dice::new(step.seed);
        let place = match step.act {
            Act::Sweep => return sweeper::sweep(self, &mut dice),
            Act::Oversee => return self.oversee(dice),
            Act::Direct => self.tills + usize::from(dice.permille(300)),
            Act::Edit(i) | Act::Sync(i) | Act::Leave(i) | Act::Return(i) | Act::Crash(i) | Act::Resend(i) => {
                i
            }
        };
        let Some(device) = self.devices.get(place) else { return };
        match step.act {
            Act::Edit(_) => device.write(self.clock.now(), self.shop, &mut dice),
            Act::Leave(_) => device.set_online(false),
            Act::Crash(_) => device.stop(),
            Act::Resend(_) => self.resend(device, dice),
            Act::Return(_) => {
                device.set_online(true);
                device.start_sync(self, dice.roll());
            }
            Act::Direct => {
                device.write(self.clock.now(), self.shop, &mut dice);
                device.start_sync(self, dice.roll());
            }
            Act::Sync(_) | Act::Sweep | Act::Oversee => device.start_sync(self, dice.roll()),
        }
    }

    fn oversee(self: &Arc<Self>, mut dice: Dice) {
        let world = self.clone();
        tokio::spawn(async move {
            if let Some(overseer) = &world.overseer {
                overseer.pull(&world, &mut dice).await;
            }
        });
    }

    /// Somebody between till and function sends what was answered before.
    fn resend(self: &Arc<Self>, device: &Arc<Device>, mut dice: Dice) {
        let Some(batch) = device.old_batch(self.clock.now(), &mut dice) else { return };
        let (world, caller) = (self.clone(), device.part.caller.clone());
        tokio::spawn(async move {
            let body = serde_json::to_string(&batch).unwrap_or_default();
            world.server.call(&caller, Ask::Push(body), &mut dice).await;
        });
    }

    /// Ends all faults and lets every till push and pull until nothing is left to do.
    pub async fn settle(self: &Arc<Self>) {
        const ROUNDS_MAX: usize = 12;
        // Whatever is under way arrives, or is given up.
        tokio::time::sleep(Duration::from_secs(120)).await;
        self.calm.store(true, Ordering::Relaxed);
        self.line.calm();
        self.server.calm();
        self.devices.iter().for_each(|device| device.set_online(true));
        tokio::time::sleep(Duration::from_secs(120)).await;
        for round in 0..ROUNDS_MAX {
            for (i, device) in (0_u64..).zip(&self.devices) {
                device.start_sync(self, Dice::of(round as u64, i).roll());
            }
            while self.devices.iter().any(|device| device.is_busy()) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let overseen = match &self.overseer {
                Some(overseer) => overseer.pull(self, &mut Dice::new(round as u64)).await,
                None => true,
            };
            if overseen && self.devices.iter().all(|device| self.is_done(device)) {
                return;
            }
        }
        self.journal.find("rest", "the tills do not come to rest");
    }

    fn is_done(&self, device: &Device) -> bool {
        let head = stored::head(self.line.tables(), &device.part.caller.room);
        device.read(|state| state.queue.is_empty() && !state.is_walking() && state.position == head.stamp)
    }

    /// The sure path: what the log says was committed, read from it as `change-stream` reads it.
    async fn stream(self: Arc<Self>, published: UnboundedSender<Publication>) {
        let mut told = 0;
        loop {
            for event in self.journal.events_after(told).await {
                told += 1;
                let Event::Committed { puts, .. } = event else { continue };
                for item in &puts {
                    let Some(room) = keys::room_of_log(wire::key(item, "pk")) else { continue };
                    let publication =
                        to_log(item).and_then(|item| Ok(log::publication(&self.tables, &room, &item)?));
                    let unread =
                        |error| self.journal.find("rest", format!("a log item cannot be read: {error}"));
                    // Nobody listens any more once a run is over.
                    publication.map_or_else(unread, |publication| drop(published.send(publication)));
                }
            }
        }
    }

    /// What a broken till makes of a page.
    pub fn mangle(&self, room: &Room, page: &mut PullResponse) {
        if self.sabotage == Some(Sabotage::LateTail)
            && page.mode == "snapshot"
            && page.next_cursor.starts_with("v1.")
        {
            let head = stored::head(self.line.tables(), room);
            page.next_cursor = protocol::stamp::cursor(head.stamp);
            page.has_more = false;
            page.stamp = head.stamp;
        }
    }
}
