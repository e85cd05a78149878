//! `cargo xtask replay`: several tills sell a day of invoices and must end with equal records.

mod stack;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, value_parser};
use local::dev::signals::Signals;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::day::{self, Invoice};
use crate::fleet;
use crate::report::{line, per};
use crate::till::Till;
use crate::till::meter::{Meter, Readings};
use crate::wait;
use stack::TestStack;

/// Invoices of a generated day.
const GENERATED_INVOICES: usize = 120;
/// Time for the last commit to reach all tills by their sockets.
const DELIVERED_WITHIN: Duration = Duration::from_secs(3);

/// Several tills sell a day of invoices and must end with equal records.
#[derive(Debug, Parser)]
#[command(name = "replay")]
pub struct Arguments {
    /// The day as CSV [default: a generated day]
    file: Option<PathBuf>,
    /// Number of tills; each is a user, a device and a socket
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u8).range(1..=64))]
    tills: u8,
    /// A running edge [default: a stack of its own]
    #[arg(long)]
    url: Option<String>,
    /// Data folder of the running stack
    #[arg(long, default_value = ".tillsync")]
    data: PathBuf,
}

impl Arguments {
    /// The running edge, without a slash at the end.
    fn edge_url(&self) -> Option<&str> {
        self.url.as_deref().map(|url| url.trim_end_matches('/'))
    }
}

/// Runs a replay. Returns whether all tills ended with the right records.
pub async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let day = match &arguments.file {
        Some(file) => day::read(file)?,
        None => day::generated(GENERATED_INVOICES),
    };
    let mut signals = Signals::watch()?;
    let stack = tokio::select! {
        found = TestStack::find(arguments) => found?,
        () = signals.next() => return Err("stopped by a signal".into()),
    };
    let result = tokio::select! {
        result = replay(&stack, &day, arguments.tills.into()) => result,
        () = signals.next() => Err("stopped by a signal".into()),
    };
    stack.stop().await;
    result
}

async fn replay(stack: &TestStack, day: &[Invoice], count: usize) -> Result<bool, Box<dyn Error>> {
    let api = Api::new(&stack.edge_url)?;
    let meter = Arc::new(Meter::default());
    let mut tills = Vec::new();
    for i in 1..=count {
        tills.push(open(stack, &api, &format!("till-{i}"), meter.clone()).await?);
    }
    let lines: usize = day.iter().map(|invoice| invoice.lines.len()).sum();
    println!("{} invoices with {lines} lines, {count} tills, at {}", day.len(), stack.edge_url);
    let started = Instant::now();
    sell(&tills, day, &meter).await?;
    let took = started.elapsed();
    for till in &tills {
        till.pull_all().await?;
    }
    let fresh = open(stack, &api, "fresh", Arc::new(Meter::default())).await?;
    fresh.pull_all().await?;
    print(&meter.readings(), took);
    let faults = fleet::faults(&tills, &fresh, day)?;
    faults.iter().for_each(|fault| println!("WRONG: {fault}"));
    if faults.is_empty() {
        println!(
            "equal: {count} tills and a fresh pull hold the same records and all {lines} lines, and stock is right"
        );
    }
    Ok(faults.is_empty())
}

async fn open(
    stack: &TestStack,
    api: &Api,
    name: &str,
    meter: Arc<Meter>,
) -> Result<Arc<Till>, Box<dyn Error>> {
    let login = fleet::cashier(&stack.accounts, &stack.branches, &stack.room, name).await?;
    let till = Till::open(api, &login, meter).await?;
    till.connected().await;
    Ok(Arc::new(till))
}

/// All tills sell their shares and fill their gaps at the same time; progress is printed each second.
async fn sell(tills: &[Arc<Till>], day: &[Invoice], meter: &Meter) -> Result<(), Box<dyn Error>> {
    let sold = Arc::new(AtomicUsize::new(0));
    let (mut selling, mut following) = (JoinSet::new(), JoinSet::new());
    for (till, share) in tills.iter().zip(fleet::deal(day, tills.len())) {
        let (seller, follower, sold) = (till.clone(), till.clone(), sold.clone());
        selling.spawn(async move { fleet::sell(&seller, &share, &sold).await });
        following.spawn(async move { follower.fill_gaps().await });
    }
    let (started, mut tick) = (Instant::now(), tokio::time::interval(Duration::from_secs(1)));
    loop {
        tokio::select! {
            done = selling.join_next() => match done {
                Some(result) => result??,
                None => break,
            },
            _ = tick.tick() => {
                let (secs, sold, of) = (started.elapsed().as_secs_f64(), sold.load(Ordering::Relaxed), day.len());
                let Readings { pushes, records, .. } = meter.readings();
                println!("[{secs:5.1}s] {sold} of {of} invoices, {} batches, {records} records", pushes.len());
            }
        }
    }
    let positions =
        async || tills.iter().map(|till| till.read(|state| state.position)).collect::<BTreeSet<_>>();
    // The pull that follows brings what the sockets did not.
    let _ = wait::poll(DELIVERED_WITHIN, positions, |positions| positions.len() <= 1).await;
    Ok(())
}

fn print(readings: &Readings, took: Duration) {
    let Readings { records, retries, pulled, push_units, pull_units, .. } = readings;
    let (batches, secs) = (readings.pushes.len(), took.as_secs_f64());
    println!("{batches} batches, {records} records in {secs:.1} s; {retries} retries");
    println!("push             {}", line(&readings.pushes));
    println!("push to delivery {}", line(&readings.deliveries));
    let write = per(push_units.write_tenths, *records);
    let read = per(push_units.read_tenths + pull_units.read_tenths, *records);
    println!("units per record write {write}, read {read}; {pulled} changes pulled");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["replay"], words].concat())
    }

    #[test]
    fn options_are_parsed_and_invalid_ones_refused() {
        let all = parse(&["day.csv", "--tills", "2", "--url", "http://x/", "--data", "d"]).unwrap();
        assert_eq!((all.file.as_deref(), all.tills), (Some("day.csv".as_ref()), 2));
        assert_eq!((all.edge_url(), all.data.as_path()), (Some("http://x"), "d".as_ref()));
        assert_eq!(parse(&[]).unwrap().tills, 4);
        for bad in [&["--tills", "0"][..], &["--tills", "x"], &["--what"], &["a", "b"], &["--url"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
