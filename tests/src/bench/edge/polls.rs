//! The hour with tills that have no socket and poll.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use local::stack::Stack;
use protocol::limits::PUSH_RECORDS_MAX;
use protocol::stamp::Stamp;
use protocol::wire::CACHE_HEADER;
use protocol::wire::pull::PullResponse;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};

use super::log::{Log, Page};
use super::{Hour, POLL, SPEED, TILLS, page_of_the_room};
use crate::bench::client::BenchClient;
use crate::fleet;
use crate::report::hundredths;

/// Who answers the polls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    /// The edge, where it can.
    ByTheEdge,
    /// Functions: each poll has a parameter that makes it unlike any other.
    ByFunctions,
}

/// What one till has seen, or all of them.
#[derive(Default)]
pub(super) struct Polls {
    pub(super) polls: usize,
    pub(super) by_function: usize,
    /// Pages that lacked a commit that was acknowledged before the poll.
    pub(super) stale: usize,
    /// Pages that differ from the log between their ends.
    pub(super) wrong: usize,
    pages: Vec<Page>,
}

pub(super) async fn play(stack: &Stack, hour: &Hour, answered: Answered) -> Result<Polls, Box<dyn Error>> {
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
        let end = started + hour.length();
        polling.spawn(async move {
            sleep(offset).await;
            poll(&client, answered, end, &acknowledged).await.map_err(|error| error.to_string())
        });
    }
    for (i, (at, invoice)) in hour.sales().enumerate() {
        let lines: Vec<Value> = fleet::lines(invoice)?
            .into_iter()
            .map(|(_, data)| serde_json::from_str(data.as_str()))
            .collect::<Result<_, _>>()?;
        sleep_until((started + at).into()).await;
        let client = clients.get(i % TILLS).ok_or("no till")?;
        sell(client, &lines, &format!("{}-{i}", invoice.number), &acknowledged).await?;
    }
    let mut all = Polls::default();
    let mut pages = Vec::new();
    while let Some(one) = polling.join_next().await {
        let one = one??;
        all.polls += one.polls;
        all.by_function += one.by_function;
        all.stale += one.stale;
        pages.push(one.pages);
    }
    let log = Log::read(stack, seller).await?;
    all.wrong = pages.iter().flatten().filter(|page| !log.agrees_with(page)).count();
    if pages.iter().any(|pages| pages.last().map(|page| page.to) != Some(log.head())) {
        return Err("a till does not end at the head of the log".into());
    }
    let per_poll =
        hundredths((all.by_function as u128 * 100).checked_div(all.polls as u128).unwrap_or_default());
    let name = if answered == Answered::ByTheEdge { "by the edge" } else { "by functions" };
    let Polls { polls, by_function, stale, wrong, .. } = &all;
    println!("{name:<12} {polls:>6}  {by_function:>14}  {per_poll:>10}  {stale:>11}  {wrong:>20}");
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
    let (mut from, mut place) = (Stamp::ZERO, "since=0".to_owned());
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
        place = format!("cursor={}", page.next_cursor);
        seen.pages.push(Page { from, to: page.stamp, changes: page.changes });
        from = page.stamp;
        if page.has_more {
            continue;
        }
        if Instant::now() >= end {
            return Ok(seen);
        }
        ticks.tick().await;
    }
}
