//! The network between the functions and DynamoDB, and its faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use functions::sync::keys;
use local::dynamo::faults::Fault;
use local::dynamo::in_process::{Request, Response, Sending, Tables, Transport};
use serde_json::Value;

use super::carts::CartWrite;
use super::environment::CARTS_TABLE;
use super::event_log::{ClosedLetters, Event, EventLog};
use super::fault_rates::FaultRates;
use super::lag::{self, Lag};
use super::mutation::Mutation;
use super::release::Release;
use super::release_writes;
use super::rng::Rng;
use super::spelling_mutation as spellings;
use super::storage;
use super::torn;

/// Longest delay of a late request in milliseconds: both the SDK and the function have given up by then.
pub(crate) const LATE_MILLIS_MAX: u64 = 30_000;
/// Longest time between the two halves of a torn read, in milliseconds.
const TORN_MILLIS_MAX: u64 = 300;
/// Milliseconds after which the SDK gives up on an attempt.
const ATTEMPT_MILLIS: u64 = 10_000;

tokio::task_local! {
    /// The function call that runs in this task.
    pub(crate) static CALL: Arc<CallContext>;
}

/// A function call, as its requests to DynamoDB see it.
#[derive(Debug)]
pub(crate) struct CallContext {
    pub(crate) number: u64,
    /// The release of the function.
    pub(crate) release: Release,
    pub(crate) seed: u64,
    pub(crate) requests: AtomicU64,
}

/// The network of a run. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct FaultyNetwork(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tables: Tables,
    log: Arc<EventLog>,
    rates: FaultRates,
    mutation: Option<Mutation>,
    healed: AtomicBool,
    lag: Lag,
    /// The last call that ran on tables which a restore has replaced.
    cut_off: AtomicU64,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Normal,
    Lost,
    ResponseLost,
    Late,
    Duplicated,
    Conflict,
    Throttled,
    Torn,
}

impl Transport for FaultyNetwork {
    fn send(&self, request: Request) -> Sending {
        let network = self.clone();
        let (call, release, mut rng) = CALL
            .try_with(|call| {
                let nth = call.requests.fetch_add(1, Ordering::Relaxed);
                (call.number, call.release, Rng::derived(call.seed, nth))
            })
            // The checks after a run send requests outside of any call.
            .unwrap_or_else(|_| (0, Release::Now, Rng::new(0)));
        let request = match release {
            Release::Before => release_writes::as_before(request),
            Release::Now => request,
        };
        Box::pin(async move { network.deliver(call, &mut rng, request).await })
    }
}

impl FaultyNetwork {
    /// A network in front of `tables`.
    pub(crate) fn new(
        tables: Tables,
        log: Arc<EventLog>,
        rates: FaultRates,
        mutation: Option<Mutation>,
    ) -> FaultyNetwork {
        let (healed, lag, cut_off) = (AtomicBool::new(false), Lag::default(), AtomicU64::new(0));
        FaultyNetwork(Arc::new(Inner { tables, log, rates, mutation, healed, lag, cut_off }))
    }

    pub(crate) fn heal(&self) {
        self.0.healed.store(true, Ordering::Relaxed);
    }

    /// Keeps the requests of all calls up to number `last` from the tables, which are new ones.
    pub(crate) fn cut_off(&self, last: u64) {
        self.0.lag.clear();
        self.0.cut_off.store(last, Ordering::Relaxed);
    }

    /// The tables, for direct reads.
    pub(crate) fn tables(&self) -> &Tables {
        &self.0.tables
    }

    async fn deliver(&self, call: u64, rng: &mut Rng, request: Request) -> Result<Response, Fault> {
        let latency = self.0.rates.latency_millis;
        self.0.log.sent(&request.action);
        sleep(rng.below(latency + 1)).await;
        // Clock readings and counts are read beside what a push is decided on.
        let beside = [keys::CLOCKS, keys::COUNTS].map(|sk| format!("{sk:?}"));
        let reads = request.action == "BatchGetItem" && !beside.iter().any(|sk| request.body.contains(sk));
        let result = match self.delivery(rng, &request.action) {
            Delivery::Normal if lag::may_lag(&request) => Ok(self.lagging_read(call, rng, &request)),
            Delivery::Normal => Ok(self.execute(call, &request)),
            Delivery::Lost => {
                sleep(rng.below(latency * 4 + 1)).await;
                Err(Fault::Refused)
            }
            Delivery::ResponseLost => {
                self.execute(call, &request);
                sleep(rng.below(latency * 4 + 1)).await;
                Err(Fault::LostResponse)
            }
            Delivery::Late => {
                self.execute_later(call, request, rng.between(ATTEMPT_MILLIS / 4, LATE_MILLIS_MAX));
                sleep(ATTEMPT_MILLIS).await;
                Err(Fault::LostResponse)
            }
            Delivery::Duplicated => {
                self.execute_later(call, request.clone(), rng.between(1, ATTEMPT_MILLIS));
                Ok(self.execute(call, &request))
            }
            Delivery::Conflict => Err(Fault::TransactionConflict),
            Delivery::Throttled => Err(Fault::Throttled),
            Delivery::Torn => Ok(self.torn_read(call, rng, &request).await),
        };
        if reads && result.is_ok() {
            // A read whose response is lost does not count.
            self.0.log.read(call);
        }
        sleep(rng.below(latency + 1)).await;
        result
    }

    fn delivery(&self, rng: &mut Rng, action: &str) -> Delivery {
        if self.0.healed.load(Ordering::Relaxed) {
            return Delivery::Normal;
        }
        let rates = &self.0.rates;
        let (writes, reads_many) = (action == "TransactWriteItems", action == "BatchGetItem");
        let weights = [
            (rates.lost, Delivery::Lost),
            (rates.response_lost, Delivery::ResponseLost),
            (rates.late, Delivery::Late),
            (rates.throttled, Delivery::Throttled),
            (if writes { rates.duplicated } else { 0 }, Delivery::Duplicated),
            (if writes { rates.conflict } else { 0 }, Delivery::Conflict),
            (if reads_many { rates.torn } else { 0 }, Delivery::Torn),
        ];
        let total = weights.iter().map(|(rate, _)| rate).sum::<u64>();
        if rng.chance(total) { rng.weighted(&weights, Delivery::Normal) } else { Delivery::Normal }
    }

    /// Executes a request after its sender may have gone.
    fn execute_later(&self, call: u64, request: Request, millis: u64) {
        let network = self.clone();
        tokio::spawn(async move {
            sleep(millis).await;
            network.execute(call, &request);
        });
    }

    async fn torn_read(&self, call: u64, rng: &mut Rng, request: &Request) -> Response {
        let Some((first, second)) = torn::split(&request.body, rng) else {
            return self.execute(call, request);
        };
        let part = |body: &Value| Request { action: request.action.clone(), body: body.to_string() };
        let early = self.execute(call, &part(&first));
        if rng.chance(300) {
            return torn::unprocessed(early, &second);
        }
        sleep(rng.below(TORN_MILLIS_MAX)).await;
        torn::join(early, self.execute(call, &part(&second)))
    }

    fn lagging_read(&self, call: u64, rng: &Rng, request: &Request) -> Response {
        let mut response = self.execute(call, request);
        if !self.0.healed.load(Ordering::Relaxed) && response.is_ok() {
            let stale = self.0.lag.apply(&mut response, self.0.rates.lag_millis, &mut rng.clone());
            self.0.log.entries().coverage.situation("walk read an old record", stale > 0);
        }
        response
    }

    fn execute(&self, call: u64, request: &Request) -> Response {
        let Inner { tables, log, mutation, cut_off, .. } = &*self.0;
        // The checks after a run are call 0.
        if call > 0 && call <= cut_off.load(Ordering::Relaxed) {
            return Response { status: 500, body: r#"{"__type":"InternalServerError"}"#.to_owned() };
        }
        let writes = request.action == "TransactWriteItems" && !is_about_carts(&request.body);
        let before = (writes && self.0.rates.lag_millis > 0).then(|| lag::before(tables, request));
        let mutated = mutation.and_then(|mutation| mutation.mutate_request(&request.action, &request.body));
        let body = mutated.as_deref().unwrap_or(&request.body);
        let mut response = tables.execute(&request.action, body);
        if let Some(mutation) = mutation {
            mutation.change_response(&request.body, &mut response.body);
            spellings::mutate(*mutation, log, call, &mut response.body);
        }
        log.trace(&format!("{call} {} {}", request.action, response.status));
        if response.is_ok()
            && request.action == "PutItem"
            && let Some(write) = CartWrite::of(call, body)
        {
            log.cart_write(write);
        }
        if response.is_ok() && writes {
            before.into_iter().for_each(|before| self.0.lag.changed(before));
            match committed(tables, call, body, log) {
                Some(Some(event)) => log.event(event),
                Some(None) => {}
                None => log.violation("log", "a transaction has an item that cannot be read"),
            }
        }
        response
    }
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// The event of a committed transaction, with the items that it wrote. The inner `None` is a repetition; the
/// outer `None` cannot be read.
fn committed(tables: &Tables, call: u64, body: &str, log: &EventLog) -> Option<Option<Event>> {
    let body: Value = serde_json::from_str(body).ok()?;
    if !log.is_first(body.get("ClientRequestToken")?.as_str()?) {
        return Some(None);
    }
    let (mut puts, mut closed, mut images) = (Vec::new(), Vec::new(), Vec::new());
    for action in body.get("TransactItems")?.as_array()? {
        if let Some(put) = action.get("Put") {
            let item = put.get("Item")?;
            let is_log = keys::room_of_log(item.pointer("/pk/S").and_then(Value::as_str)?).is_some();
            images.extend(is_log.then(|| item.clone()));
            puts.push(storage::item(item)?);
        }
        if let Some(update) = action.get("Update") {
            puts.push(storage::stored(tables, update.get("Key")?)?);
        }
        if let Some(delete) = action.get("Delete") {
            storage::item(delete.get("Key")?)?;
        }
        closed.extend(closed_letters(action));
    }
    Some(Some(Event::Committed { call, puts, closed, images }))
}

fn is_about_carts(body: &str) -> bool {
    body.contains(&format!("\"{CARTS_TABLE}\""))
}

/// The dead letters that an action closes, if it closes some.
fn closed_letters(action: &Value) -> Option<ClosedLetters> {
    let removes = |update: &&Value| {
        let expression = update.get("UpdateExpression").and_then(Value::as_str);
        expression.is_some_and(|expression| expression.starts_with("DELETE "))
    };
    let (closing, indexes) = match (action.get("Delete"), action.get("Update").filter(removes)) {
        (Some(delete), _) => (delete, ":known"),
        (None, update) => (update?, ":closed"),
    };
    let text = |name: &str| closing.pointer(name).and_then(Value::as_str);
    let item = keys::dead_of(text("/Key/sk/S")?)?;
    let indexes = closing.pointer(&format!("/ExpressionAttributeValues/{indexes}/NS"))?.as_array()?;
    let indexes = indexes.iter().filter_map(|index| index.as_str()?.parse().ok()).collect();
    Some(ClosedLetters { room: keys::room_of(text("/Key/pk/S")?)?, item, indexes })
}
