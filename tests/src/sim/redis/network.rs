//! The network between the functions of a run and Redis, its faults, and what Redis forgets.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use functions::redis::{Carrier, Exchange};
use protocol::timestamp::Timestamp;
use redis_client::transport::{HttpRequest, HttpResponse, TransportError};
use tokio::time::{Instant, sleep};

use super::RedisServer;
use super::commands::{self, Words};
use crate::sim::cache_mutation;
use crate::sim::clock::Clock;
use crate::sim::event_log::EventLog;
use crate::sim::fault_rates::FaultRates;
use crate::sim::lock;
use crate::sim::mutation::Mutation;
use crate::sim::network::CALL;
use crate::sim::rng::Rng;

/// Longest latency, each way, in milliseconds.
const LATENCY_MILLIS_MAX: u64 = 3;
/// Longest delay of a late request in milliseconds: its sender has given up by then.
const LATE_MILLIS_MAX: u64 = 5_000;
/// Longest outage in seconds.
const OUTAGE_SECS_MAX: u64 = 20 * 60;

/// Runs of this process so far, for the names of their keys.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// Redis as the functions of a run reach it. Clones share it.
#[derive(Clone)]
pub(crate) struct FaultyRedis(Arc<Inner>);

struct Inner {
    server: Arc<RedisServer>,
    prefix: String,
    clock: Clock,
    log: Arc<EventLog>,
    rates: FaultRates,
    mutation: Option<Mutation>,
    healed: AtomicBool,
    down_until: Mutex<Option<Instant>>,
    /// The keys that were named so far.
    keys: Mutex<BTreeSet<String>>,
}

/// What happens to a request.
#[derive(Clone, Copy)]
enum Delivery {
    Normal,
    Lost,
    ResponseLost,
    Late,
}

impl Carrier for FaultyRedis {
    fn exchange<'a>(&'a self, request: HttpRequest<'a>, deadline: Duration) -> Exchange<'a> {
        let (call, mut rng) = CALL
            .try_with(|call| {
                let nth = call.requests.fetch_add(1, Ordering::Relaxed);
                (call.number, Rng::derived(call.seed, nth))
            })
            .unwrap_or_else(|_| (0, Rng::new(0)));
        Box::pin(async move { self.0.deliver(call, &mut rng, request, deadline).await })
    }

    fn now(&self) -> Timestamp {
        let now = self.0.clock.now();
        self.0.mutation.map_or(now, |mutation| cache_mutation::time(mutation, now))
    }
}

impl FaultyRedis {
    /// Redis for a run.
    pub(crate) fn new(
        server: &Arc<RedisServer>,
        clock: Clock,
        log: &Arc<EventLog>,
        rates: &FaultRates,
        mutation: Option<Mutation>,
    ) -> FaultyRedis {
        let prefix = format!("run-{:010}", RUNS.fetch_add(1, Ordering::Relaxed));
        let (healed, down_until, keys) = (AtomicBool::new(false), Mutex::default(), Mutex::default());
        let (server, log, rates) = (server.clone(), log.clone(), rates.clone());
        FaultyRedis(Arc::new(Inner { server, prefix, clock, log, rates, mutation, healed, down_until, keys }))
    }

    /// The prefix of the run's keys.
    pub(crate) fn prefix(&self) -> &str {
        &self.0.prefix
    }

    pub(crate) fn heal(&self) {
        self.0.healed.store(true, Ordering::Relaxed);
    }

    /// Begins an outage.
    pub(crate) fn go_down(&self, rng: &mut Rng) {
        let secs = rng.weighted(&[(3, 1), (3, 30), (1, OUTAGE_SECS_MAX)], 1);
        *lock(&self.0.down_until) = Some(Instant::now() + Duration::from_millis(rng.between(1, 1000 * secs)));
    }

    /// Forgets some keys, as Redis does when they expire or its memory is full, or all.
    pub(crate) fn forget(&self, rng: &mut Rng) {
        let (all, locks) = (rng.chance(200), rng.chance(500));
        // The names of locks hold digests, which differ between runs: their order must not decide.
        self.0.forget(|key| all || if key.contains(":lock:") { locks } else { rng.chance(400) });
    }

    /// Forgets all keys.
    pub(crate) fn clear(&self) {
        self.0.forget(|_| true);
    }
}

impl Inner {
    async fn deliver(
        &self,
        call: u64,
        rng: &mut Rng,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        pause(rng.below(LATENCY_MILLIS_MAX + 1)).await;
        if self.is_down() {
            // Most outages refuse connections, in some nothing comes back.
            if rng.chance(800) {
                return Err(TransportError::NeverArrived("it is down".into()));
            }
            sleep(deadline).await;
            return Err(TransportError::Late);
        }
        let Some(commands) = commands::read(request.body) else {
            self.log.violation("redis", "a request has a body without commands");
            return Err(TransportError::Late);
        };
        lock(&self.keys).extend(commands::keys(&commands, &self.prefix).cloned());
        match self.delivery(rng) {
            Delivery::Normal => {
                let response = self.execute(call, request, &commands);
                pause(rng.below(LATENCY_MILLIS_MAX + 1)).await;
                response
            }
            Delivery::Lost => {
                sleep(deadline).await;
                Err(TransportError::Late)
            }
            Delivery::ResponseLost => {
                self.execute(call, request, &commands)?;
                pause(rng.below(LATENCY_MILLIS_MAX + 1)).await;
                Err(TransportError::BrokeOff("the connection was reset".into()))
            }
            Delivery::Late => {
                let (server, log, late) = (self.server.clone(), self.log.clone(), rng.below(LATE_MILLIS_MAX));
                tokio::spawn(async move {
                    sleep(deadline + Duration::from_millis(late)).await;
                    if !commands.iter().all(|words| server.run(words)) {
                        log.violation("redis", "the engine does not respond");
                    }
                });
                sleep(deadline).await;
                Err(TransportError::Late)
            }
        }
    }

    fn delivery(&self, rng: &mut Rng) -> Delivery {
        if self.healed.load(Ordering::Relaxed) {
            return Delivery::Normal;
        }
        let weights = [
            (self.rates.redis_lost, Delivery::Lost),
            (self.rates.redis_response_lost, Delivery::ResponseLost),
            (self.rates.redis_late, Delivery::Late),
        ];
        let total = weights.iter().map(|(rate, _)| rate).sum::<u64>();
        if rng.chance(total) { rng.weighted(&weights, Delivery::Normal) } else { Delivery::Normal }
    }

    fn is_down(&self) -> bool {
        let until = *lock(&self.down_until);
        !self.healed.load(Ordering::Relaxed) && until.is_some_and(|until| Instant::now() < until)
    }

    fn execute(
        &self,
        call: u64,
        request: HttpRequest<'_>,
        commands: &[Words],
    ) -> Result<HttpResponse, TransportError> {
        if let Some(body) = self.mutation.and_then(|mutation| cache_mutation::response(mutation, commands)) {
            return Ok(HttpResponse { status: 200, sync_token: None, body: body.into() });
        }
        let body = commands::write(commands, request.body);
        let mut stretched = request;
        stretched.body = &body;
        let response = self.server.exchange(stretched);
        match &response {
            // The names of keys differ between runs, and digests with them, but not their lengths.
            Ok(HttpResponse { status, body, .. }) => {
                self.log.trace(&format!("{call} redis {status} {}", body.len()));
            }
            Err(error) => self.log.violation("redis", format!("the engine does not respond: {error}")),
        }
        response
    }

    fn forget(&self, mut is_forgotten: impl FnMut(&str) -> bool) {
        let mut keys = lock(&self.keys);
        let gone: Vec<String> = keys.iter().filter(|key| is_forgotten(key)).cloned().collect();
        keys.retain(|key| !gone.contains(key));
        for some in gone.chunks(100) {
            let words = [&["UNLINK".to_owned()], some].concat();
            if !self.server.run(&words) {
                self.log.violation("redis", "the engine does not respond");
            }
        }
    }
}

impl Drop for Inner {
    /// The next runs share the engine's memory.
    fn drop(&mut self) {
        self.forget(|_| true);
    }
}

impl fmt::Debug for FaultyRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyRedis")
    }
}

async fn pause(millis: u64) {
    sleep(Duration::from_millis(millis)).await;
}
