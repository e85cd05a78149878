//! A day of sales, many tills, equal stores at the end.

mod arguments;
mod place;
mod report;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use local::dev::signals::Signals;
use protocol::wire::auth::LoginRequest;
use tokio::task::JoinSet;

use crate::api::{Api, CallError};
use crate::day::{self, Invoice, ReadDayError};
use crate::fleet;
use crate::till::Till;
use crate::till::meter::Meter;
use arguments::Arguments;
use place::{Place, PlaceError};

/// Invoices of a generated day.
const GENERATED_INVOICES: usize = 120;

/// Why a replay did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The command line.
    #[error(transparent)]
    Arguments(#[from] arguments::BadArguments),
    /// The file.
    #[error(transparent)]
    Day(#[from] ReadDayError),
    /// The stack.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The edge.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A record that cannot be written.
    #[error("failed to write a record: {0}")]
    Json(#[from] serde_json::Error),
    /// We would not notice that we are to stop.
    #[error("failed to watch for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// Somebody had enough.
    #[error("failed to finish: stopped by a signal")]
    Stopped,
    /// A till that panicked.
    #[error("failed to run a till: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Runs a replay as the command line says; whether all was well.
pub async fn run(arguments: impl Iterator<Item = OsString>) -> Result<bool, ReplayError> {
    let arguments = Arguments::parse(arguments)?;
    let day = match &arguments.file {
        Some(file) => day::read(Path::new(file))?,
        None => day::generated(GENERATED_INVOICES),
    };
    let mut signals = Signals::watch().map_err(ReplayError::Signals)?;
    let place = tokio::select! {
        found = Place::find(&arguments) => found?,
        () = signals.next() => return Err(ReplayError::Stopped),
    };
    let result = tokio::select! {
        result = replay(&place, &day, arguments.tills) => result,
        () = signals.next() => Err(ReplayError::Stopped),
    };
    place.leave().await;
    result
}

async fn replay(place: &Place, day: &[Invoice], count: usize) -> Result<bool, ReplayError> {
    let api = Api::new(&place.edge_url)?;
    let meter = Arc::new(Meter::default());
    let mut tills = Vec::new();
    for i in 1..=count {
        tills.push(open(place, &api, &format!("till-{i}"), meter.clone()).await?);
    }
    let lines: usize = day.iter().map(|invoice| invoice.lines.len()).sum();
    println!("{} invoices with {lines} lines, {count} tills, at {}", day.len(), place.edge_url);
    let started = Instant::now();
    sell(&tills, day, &meter).await?;
    let took = started.elapsed();
    for till in &tills {
        till.pull_all().await?;
    }
    let fresh = open(place, &api, "fresh", Arc::new(Meter::default())).await?;
    fresh.pull_all().await?;
    report::print(&meter.readings(), took);
    let faults = fleet::faults(&tills, &fresh, day)?;
    faults.iter().for_each(|fault| println!("WRONG: {fault}"));
    if faults.is_empty() {
        println!(
            "equal: {count} tills and a fresh pull hold the same records, with all {lines} lines, and stock is what was sold"
        );
    }
    Ok(faults.is_empty())
}

async fn open(place: &Place, api: &Api, name: &str, meter: Arc<Meter>) -> Result<Arc<Till>, ReplayError> {
    let (username, password) = place.user(name).await?;
    // A device id of our own naming is always one.
    let device_id = name.parse().ok();
    let till = Till::open(api, &LoginRequest { username, password, device_id }, meter).await?;
    till.connected().await;
    Ok(Arc::new(till))
}

/// Every till sells its share and mends its gaps, side by side; progress once a second.
async fn sell(tills: &[Arc<Till>], day: &[Invoice], meter: &Meter) -> Result<(), ReplayError> {
    let sold = Arc::new(AtomicUsize::new(0));
    let (mut selling, mut mending) = (JoinSet::new(), JoinSet::new());
    for (till, share) in tills.iter().zip(fleet::deal(day, tills.len())) {
        let (seller, mender, sold) = (till.clone(), till.clone(), sold.clone());
        selling.spawn(async move { fleet::sell(&seller, &share, &sold).await });
        mending.spawn(async move { mender.mend_gaps().await });
    }
    let (started, mut tick) = (Instant::now(), tokio::time::interval(Duration::from_secs(1)));
    loop {
        tokio::select! {
            done = selling.join_next() => match done {
                Some(result) => result??,
                None => break,
            },
            _ = tick.tick() => report::progress(&meter.readings(), sold.load(Ordering::Relaxed), day.len(), started.elapsed()),
        }
    }
    quiet(tills).await;
    Ok(())
}

/// Waits until every till has heard the last commit, or has had the time to: what is missing is pulled then.
async fn quiet(tills: &[Arc<Till>]) {
    const HEARD_WITHIN: Duration = Duration::from_secs(3);
    let deadline = Instant::now() + HEARD_WITHIN;
    let stands = || tills.iter().map(|till| till.read(|state| state.position)).collect::<Vec<_>>();
    while Instant::now() < deadline && stands().windows(2).any(|pair| pair.first() != pair.last()) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
