//! What the edge saves: an hour of a shop whose tills poll, and the same hour over sockets. Time passes ten
//! times as fast, and so does the bound within which a function must confirm a head, so that the counts are
//! those of an hour.

mod log;
mod polls;
mod sockets;
mod speed;
mod start;
mod targets;

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use local::stack::Stack;
use protocol::wire::CACHE_HEADER;
use tokio::time::sleep;

use crate::api::Api;
use crate::day::Invoice;
use polls::Answered;
use targets::Targets;

const TILLS: usize = 10;
const SPEED: u32 = 10;
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

/// The first minutes of an hour of sales.
struct Hour {
    minutes: u32,
    /// Each with its minute.
    invoices: Vec<(u32, Invoice)>,
}

impl Hour {
    /// The busiest hour of `day`.
    fn busiest(day: &[Invoice], minutes: u32) -> Hour {
        let mut hours: BTreeMap<&str, Vec<(u32, Invoice)>> = BTreeMap::new();
        for invoice in day {
            // `2010-12-01 08:26:00`
            let (hour, minute) = (invoice.date.get(..13).unwrap_or_default(), invoice.date.get(14..16));
            let minute = minute.and_then(|minute| minute.parse().ok()).unwrap_or_default();
            hours.entry(hour).or_default().push((minute, invoice.clone()));
        }
        let mut invoices = hours.into_values().max_by_key(Vec::len).unwrap_or_default();
        invoices.retain(|(minute, _)| *minute < minutes);
        Hour { minutes, invoices }
    }

    /// How long it takes.
    fn length(&self) -> Duration {
        Duration::from_secs(60) * self.minutes / SPEED
    }

    /// When each invoice is sold, and the invoice. Those of one minute follow each other at some distance.
    fn sales(&self) -> impl Iterator<Item = (Duration, &Invoice)> {
        self.invoices.iter().enumerate().map(|(i, (minute, invoice))| {
            (Duration::from_secs(60 * u64::from(*minute) + 7 * (i as u64 % 8)) / SPEED, invoice)
        })
    }
}

/// Plays the busiest hour of `day`, or its first `minutes`, three times: as the edge answers polls, with
/// functions that answer each poll, and over sockets.
pub(super) async fn measure(
    stack: &Stack,
    day: &[Invoice],
    minutes: u32,
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let mut targets = Targets::default();
    speed::measure(stack, rounds, &mut targets).await?;
    start::measure(stack, &mut targets).await?;
    let hour = Hour::busiest(day, minutes);
    println!(
        "\n{} invoices of {minutes} minutes; {TILLS} tills that poll every {} s; {SPEED} times as fast",
        hour.invoices.len(),
        POLL.as_secs()
    );
    println!("answered      polls  function calls  calls/poll  stale pages  pages unlike the log");
    let by_edge = polls::play(stack, &hour, Answered::ByTheEdge).await?;
    let by_functions = polls::play(stack, &hour, Answered::ByFunctions).await?;
    let (least, calls) = (by_edge.polls.div_ceil(POLLS_PER_CALL), by_edge.by_function);
    println!("function calls {calls} (target: at most {least}, 1/{POLLS_PER_CALL} of the polls)");
    targets.expect(calls <= least, "function calls of tills that poll");
    targets.expect(by_edge.stale + by_functions.stale == 0, "stale pages");
    targets.expect(by_edge.wrong + by_functions.wrong == 0, "pages unlike the log");
    sockets::play(stack, &hour, &mut targets).await?;
    targets.result()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day;

    #[test]
    fn the_busiest_hour_is_played_minute_by_minute() {
        let day = day::generated(120);
        let hour = Hour::busiest(&day, 60);
        assert_eq!((hour.invoices.len(), hour.length()), (60, Duration::from_secs(360)));
        assert_eq!((hour.invoices[0].0, hour.invoices[59].0), (0, 59));
        assert!(hour.sales().is_sorted_by_key(|(at, _)| at.as_secs() / 6));
        assert!(hour.sales().all(|(at, _)| at < hour.length() + Duration::from_secs(5)));
        assert_eq!(Hour::busiest(&day, 2).invoices.len(), 2);
        assert!(Hour::busiest(&[], 60).invoices.is_empty());
    }
}
