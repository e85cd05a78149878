//! What the edge saves: an hour of a shop whose tills have no socket and poll. Time passes ten times as
//! fast, and so does the bound within which a function must confirm a head, so that the counts are those of
//! an hour.

mod speed;
mod start;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use local::stack::Stack;
use protocol::limits::PUSH_RECORDS_MAX;
use protocol::stamp::Stamp;
use protocol::wire::CACHE_HEADER;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};

use crate::api::Api;
use crate::bench::client::BenchClient;
use crate::day::Invoice;
use crate::fleet;
use crate::report::hundredths;

const TILLS: usize = 10;
const SPEED: u32 = 10;
const HOUR: Duration = Duration::from_secs(3600);
const POLL: Duration = Duration::from_secs(5);
const BOUND: Duration = Duration::from_secs(15);
/// At most one function call in so many polls.
const POLLS_PER_CALL: usize = 20;
/// A room trusts its queue 20 seconds after it has started.
const ROOM_STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Limits that let all tills sign in from one address, and a bound that passes as fast as the hour.
pub(super) fn edge_variables() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("RATE_LOGIN_ADDRESS_PER_MINUTE", "100000".to_owned()),
        ("HEAD_BOUND_MILLIS", bound().as_millis().to_string()),
    ])
}

/// The bound of the edge in this run.
fn bound() -> Duration {
    BOUND / SPEED
}

/// Who answers the polls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// The edge, where it can.
    ByTheEdge,
    /// Functions: each poll has a parameter that makes it unlike any other.
    ByFunctions,
}

/// What one till has seen, or all of them.
#[derive(Default)]
struct Polls {
    polls: usize,
    by_function: usize,
    /// Pages that lacked a commit that was acknowledged before the poll.
    stale: usize,
    stamps: BTreeSet<Stamp>,
}

/// Plays the busiest hour of `day` twice: as the edge answers, and with functions that answer each poll.
pub(super) async fn measure(stack: &Stack, day: &[Invoice], rounds: usize) -> Result<(), Box<dyn Error>> {
    speed::measure(stack, rounds).await?;
    start::measure(stack).await?;
    let hour = busiest_hour(day);
    println!(
        "{} invoices of one hour; {TILLS} tills that poll every {} s; {SPEED} times as fast",
        hour.len(),
        POLL.as_secs()
    );
    println!("answered      polls  function calls  calls/poll  stale pages");
    let by_edge = play(stack, &hour, Answered::ByTheEdge).await?;
    let by_functions = play(stack, &hour, Answered::ByFunctions).await?;
    let (least, calls) = (by_edge.polls.div_ceil(POLLS_PER_CALL), by_edge.by_function);
    println!(
        "function calls {calls} (target: at most {least}, 1/{POLLS_PER_CALL} of the polls), stale pages 0"
    );
    if by_edge.by_function > least || by_edge.stale + by_functions.stale > 0 {
        return Err("the edge does not meet its targets".into());
    }
    Ok(())
}

/// The invoices of the hour with the most, each with its minute.
fn busiest_hour(day: &[Invoice]) -> Vec<(u32, Invoice)> {
    let mut hours: BTreeMap<&str, Vec<(u32, Invoice)>> = BTreeMap::new();
    for invoice in day {
        // `2010-12-01 08:26:00`
        let (hour, minute) = (invoice.date.get(..13).unwrap_or_default(), invoice.date.get(14..16));
        let minute = minute.and_then(|minute| minute.parse().ok()).unwrap_or_default();
        hours.entry(hour).or_default().push((minute, invoice.clone()));
    }
    hours.into_values().max_by_key(Vec::len).unwrap_or_default()
}

async fn play(stack: &Stack, hour: &[(u32, Invoice)], answered: Answered) -> Result<Polls, Box<dyn Error>> {
    let branch = if answered == Answered::ByTheEdge { "polls-edge" } else { "polls-functions" };
    let mut clients = Vec::new();
    for i in 0..TILLS {
        clients.push(Arc::new(BenchClient::open(stack, branch, &format!("till-{i}")).await?));
    }
    let acknowledged = Arc::new(AtomicU64::new(0));
    let seller = clients.first().ok_or("no till")?;
    sell(seller, &[json!({ "opened": true })], "opening", &acknowledged).await?;
    if answered == Answered::ByTheEdge {
        page_of_the_room(&seller.api, "/api/sync/pull-changes?since=0").await?;
    }
    let started = Instant::now();
    let mut polling = JoinSet::new();
    for (i, client) in clients.iter().enumerate() {
        let (client, acknowledged) = (Arc::clone(client), Arc::clone(&acknowledged));
        let offset = POLL / SPEED * u32::try_from(i)? / u32::try_from(TILLS)?;
        polling.spawn(async move {
            sleep(offset).await;
            poll(&client, answered, started + HOUR / SPEED, &acknowledged)
                .await
                .map_err(|error| error.to_string())
        });
    }
    for (i, (minute, invoice)) in hour.iter().enumerate() {
        let lines: Vec<Value> = fleet::lines(invoice)?
            .into_iter()
            .map(|(_, data)| serde_json::from_str(data.as_str()))
            .collect::<Result<_, _>>()?;
        // Invoices of one minute follow each other at some distance.
        let at = Duration::from_secs(60 * u64::from(*minute) + 7 * (i as u64 % 8)) / SPEED;
        sleep_until((started + at).into()).await;
        let client = clients.get(i % TILLS).ok_or("no till")?;
        sell(client, &lines, &format!("{}-{i}", invoice.number), &acknowledged).await?;
    }
    let mut all = Polls::default();
    let truth = stamps_of_the_log(seller).await?;
    while let Some(one) = polling.join_next().await {
        let one = one??;
        if one.stamps != truth {
            return Err(format!("a till has {} of {} changes", one.stamps.len(), truth.len()).into());
        }
        all.polls += one.polls;
        all.by_function += one.by_function;
        all.stale += one.stale;
    }
    let per_poll =
        hundredths((all.by_function as u128 * 100).checked_div(all.polls as u128).unwrap_or_default());
    let name = if answered == Answered::ByTheEdge { "by the edge" } else { "by functions" };
    println!("{name:<12} {:>6}  {:>14}  {per_poll:>10}  {:>11}", all.polls, all.by_function, all.stale);
    Ok(all)
}

/// Pushes the lines of an invoice, and notes the commit once it is acknowledged.
async fn sell(
    client: &BenchClient,
    lines: &[Value],
    invoice: &str,
    acknowledged: &AtomicU64,
) -> Result<(), Box<dyn Error>> {
    let numbered: Vec<(usize, &Value)> = lines.iter().enumerate().collect();
    for part in numbered.chunks(PUSH_RECORDS_MAX) {
        let record = |(i, data): &(usize, &Value)| {
            json!({ "table_name": "invoice_items", "record_id": format!("{invoice}-{i}"), "data": data,
                    "local_updated_at": fleet::now().to_string() })
        };
        let records: Vec<Value> = part.iter().map(record).collect();
        let body = json!({ "device_id": client.device, "batch_id": fleet::batch_id(), "records": records });
        let pushed: PushResponse = client.api.post("/api/sync/batch-push", body.to_string()).await?.ok()?;
        acknowledged.fetch_max(pushed.stamp.0, Ordering::SeqCst);
    }
    Ok(())
}

/// The page at `path` once the room answers it.
async fn page_of_the_room(api: &Api, path: &str) -> Result<String, Box<dyn Error>> {
    let deadline = Instant::now() + ROOM_STARTS_WITHIN;
    while Instant::now() < deadline {
        let reply = api.get(path).await?;
        if reply.header(CACHE_HEADER) == Some("room") {
            return Ok(reply.body);
        }
        sleep(bound() / 4).await;
    }
    Err("the room never answers".into())
}

/// Polls until `end`, and then until nothing is missing.
async fn poll(
    client: &BenchClient,
    answered: Answered,
    end: Instant,
    acknowledged: &AtomicU64,
) -> Result<Polls, Box<dyn Error>> {
    let mut seen = Polls::default();
    let mut ticks = interval(POLL / SPEED);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut place = "since=0".to_owned();
    loop {
        let known = acknowledged.load(Ordering::SeqCst);
        let unlike = if answered == Answered::ByFunctions {
            format!("&unlike={}", fleet::batch_id())
        } else {
            String::new()
        };
        let reply = client.api.get(&format!("/api/sync/pull-changes?limit=1000&{place}{unlike}")).await?;
        let page: PullResponse = reply.ok()?;
        seen.polls += 1;
        seen.by_function += usize::from(reply.header(CACHE_HEADER) == Some("loaded"));
        seen.stale += usize::from(!page.has_more && page.stamp.0 < known);
        seen.stamps.extend(page.changes.iter().map(|change| change.stamp));
        place = format!("cursor={}", page.next_cursor);
        if page.has_more {
            continue;
        }
        if Instant::now() >= end {
            return Ok(seen);
        }
        ticks.tick().await;
    }
}

/// The stamps of all changes, as functions return them.
async fn stamps_of_the_log(client: &BenchClient) -> Result<BTreeSet<Stamp>, Box<dyn Error>> {
    let (mut stamps, mut place) = (BTreeSet::new(), "since=0".to_owned());
    loop {
        let path = format!("/api/sync/pull-changes?limit=1000&{place}&unlike={}", fleet::batch_id());
        let page: PullResponse = client.api.get(&path).await?.ok()?;
        stamps.extend(page.changes.iter().map(|change| change.stamp));
        if !page.has_more {
            return Ok(stamps);
        }
        place = format!("cursor={}", page.next_cursor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day;

    #[test]
    fn the_busiest_hour_is_played_minute_by_minute() {
        let hour = busiest_hour(&day::generated(120));
        assert_eq!(hour.len(), 60);
        assert_eq!((hour[0].0, hour[59].0), (0, 59));
        assert!(busiest_hour(&[]).is_empty());
    }
}
