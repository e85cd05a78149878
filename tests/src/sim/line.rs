//! The way between the functions and their tables, with everything that goes wrong on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use local::dynamo::faults::Fault;
use local::dynamo::in_process::{Request, Response, Sending, Tables, Transport};
use serde_json::Value;

use super::dice::Dice;
use super::journal::{Event, Journal};
use super::sabotage::Sabotage;
use super::torn;
use super::weather::Weather;
use super::wire;

/// Milliseconds by which a request may come late at most: after the SDK has given up, and the function too.
const LATE_MILLIS_MAX: u64 = 30_000;
/// Milliseconds between the reading of two items of one request, at most.
const TORN_MILLIS_MAX: u64 = 300;
/// Milliseconds after which the SDK has given up on an attempt.
const HANG_MILLIS: u64 = 10_000;

tokio::task_local! {
    /// The function call that is running.
    pub static CALL: Arc<Context>;
}

/// A function call, as its requests see it.
#[derive(Debug)]
pub struct Context {
    /// The call's number.
    pub number: u64,
    /// What its faults are drawn from.
    pub seed: u64,
    /// Requests sent so far.
    pub requests: AtomicU64,
}

/// The line of a run. Clones share it.
#[derive(Clone, Debug)]
pub struct FaultyLine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tables: Tables,
    journal: Arc<Journal>,
    weather: Weather,
    sabotage: Option<Sabotage>,
    calm: AtomicBool,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    Lost,
    AnswerLost,
    Late,
    Twice,
    Conflict,
    Throttled,
    Torn,
}

impl Transport for FaultyLine {
    fn send(&self, request: Request) -> Sending {
        let line = self.clone();
        let (number, mut dice) = CALL
            .try_with(|call| {
                let nth = call.requests.fetch_add(1, Ordering::Relaxed);
                (call.number, Dice::of(call.seed, nth))
            })
            // Somebody outside of any function: the checks after a run.
            .unwrap_or_else(|_| (0, Dice::new(0)));
        Box::pin(async move { line.travel(number, &mut dice, request).await })
    }
}

impl FaultyLine {
    /// A line to `tables`.
    pub fn new(
        tables: Tables,
        journal: Arc<Journal>,
        weather: Weather,
        sabotage: Option<Sabotage>,
    ) -> FaultyLine {
        FaultyLine(Arc::new(Inner { tables, journal, weather, sabotage, calm: AtomicBool::new(false) }))
    }

    /// Ends all faults.
    pub fn calm(&self) {
        self.0.calm.store(true, Ordering::Relaxed);
    }

    /// The tables, for who looks at them directly.
    pub fn tables(&self) -> &Tables {
        &self.0.tables
    }

    async fn travel(&self, call: u64, dice: &mut Dice, request: Request) -> Result<Response, Fault> {
        let latency = self.0.weather.latency_millis;
        self.0.journal.sent(&request.action);
        sleep(dice.below(latency + 1)).await;
        let reads = request.action == "BatchGetItem";
        let result = match self.fate(dice, &request.action) {
            Fate::Fine => Ok(self.execute(call, &request)),
            Fate::Lost => {
                sleep(dice.below(latency * 4 + 1)).await;
                Err(Fault::Refused)
            }
            Fate::AnswerLost => {
                self.execute(call, &request);
                sleep(dice.below(latency * 4 + 1)).await;
                Err(Fault::LostResponse)
            }
            Fate::Late => {
                self.deliver_late(call, request, dice.between(HANG_MILLIS / 4, LATE_MILLIS_MAX));
                sleep(HANG_MILLIS).await;
                Err(Fault::LostResponse)
            }
            Fate::Twice => {
                self.deliver_late(call, request.clone(), dice.between(1, HANG_MILLIS));
                Ok(self.execute(call, &request))
            }
            Fate::Conflict => Err(Fault::TransactionConflict),
            Fate::Throttled => Err(Fault::Throttled),
            Fate::Torn => Ok(self.tear(call, dice, &request).await),
        };
        if reads && result.is_ok() {
            // What nobody hears of, because it arrives late, was not read.
            self.0.journal.read(call);
        }
        sleep(dice.below(latency + 1)).await;
        result
    }

    fn fate(&self, dice: &mut Dice, action: &str) -> Fate {
        if self.0.calm.load(Ordering::Relaxed) {
            return Fate::Fine;
        }
        let weather = &self.0.weather;
        let (writes, reads_many) = (action == "TransactWriteItems", action == "BatchGetItem");
        let chances = [
            (weather.lost, Fate::Lost),
            (weather.answer_lost, Fate::AnswerLost),
            (weather.late, Fate::Late),
            (weather.throttled, Fate::Throttled),
            (if writes { weather.twice } else { 0 }, Fate::Twice),
            (if writes { weather.conflict } else { 0 }, Fate::Conflict),
            (if reads_many { weather.torn } else { 0 }, Fate::Torn),
        ];
        let all = chances.iter().map(|(chance, _)| chance).sum::<u64>();
        if dice.permille(all) { dice.weighted(&chances, Fate::Fine) } else { Fate::Fine }
    }

    /// A packet that lives on when its sender has gone.
    fn deliver_late(&self, call: u64, request: Request, millis: u64) {
        let line = self.clone();
        tokio::spawn(async move {
            sleep(millis).await;
            line.execute(call, &request);
        });
    }

    async fn tear(&self, call: u64, dice: &mut Dice, request: &Request) -> Response {
        let Some((first, second)) = torn::split(&request.body, dice) else {
            return self.execute(call, request);
        };
        let part = |body: &Value| Request { action: request.action.clone(), body: body.to_string() };
        let early = self.execute(call, &part(&first));
        if dice.permille(300) {
            return torn::unprocessed(early, &second);
        }
        sleep(dice.below(TORN_MILLIS_MAX)).await;
        torn::join(early, self.execute(call, &part(&second)))
    }

    fn execute(&self, call: u64, request: &Request) -> Response {
        let (tables, journal) = (&self.0.tables, &self.0.journal);
        let sabotage = self.0.sabotage;
        let tampered = sabotage.and_then(|sabotage| sabotage.tamper(&request.action, &request.body));
        let body = tampered.as_deref().unwrap_or(&request.body);
        let mut answer = tables.execute(&request.action, body);
        if let Some(sabotage) = sabotage {
            sabotage.mend(&request.body, &mut answer.body);
        }
        journal.trace(&format!("{call} {} {}", request.action, answer.status));
        if answer.is_ok() && request.action == "TransactWriteItems" {
            match committed(call, body, journal) {
                Some(Some(event)) => journal.event(event),
                Some(None) => {}
                None => journal.find("log", "a transaction has an item that cannot be read"),
            }
        }
        answer
    }
}

async fn sleep(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// What a transaction did; the inner `None` if it was done before. The outer one if it cannot be read.
fn committed(call: u64, body: &str, journal: &Journal) -> Option<Option<Event>> {
    let body: Value = serde_json::from_str(body).ok()?;
    if !journal.is_first(body.get("ClientRequestToken")?.as_str()?) {
        return Some(None);
    }
    let (mut puts, mut deletes) = (Vec::new(), Vec::new());
    for action in body.get("TransactItems")?.as_array()? {
        if let Some(put) = action.get("Put") {
            puts.push(wire::item(put.get("Item")?)?);
        }
        if let Some(delete) = action.get("Delete") {
            let key = wire::item(delete.get("Key")?)?;
            deletes.push((wire::key(&key, "pk").to_owned(), wire::key(&key, "sk").to_owned()));
        }
    }
    Some(Some(Event::Committed { call, puts, deletes }))
}
