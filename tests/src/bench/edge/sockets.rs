//! The hour with tills that have sockets: while nothing changes, no function is called.

use std::error::Error;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use local::stack::Stack;
use protocol::stamp::Stamp;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use super::log::Log;
use super::targets::Targets;
use super::{BOUND, Hour, SPEED, TILLS};
use crate::api::Api;
use crate::bench::client::{BenchClient, CLIENT};
use crate::fleet;
use crate::till::Till;
use crate::till::meter::Meter;
use crate::till::socket::SocketOptions;
use crate::wait::poll;

const BRANCH: &str = "sockets";
/// Between two pings of a till, whose answers tell the head.
const PING: Duration = Duration::from_secs(20);
/// After the last till has a commit, until nothing changes any more: a till may still ask for the next page
/// of its pull.
const SETTLES_WITHIN: Duration = Duration::from_millis(500);

/// Counts the calls of functions while nothing changes.
struct Quiet<'a> {
    stack: &'a Stack,
    tills: &'a [Arc<Till>],
    calls: u64,
    took: Duration,
}

impl Quiet<'_> {
    /// Waits until every till has all changes up to `head`, and then until `end`.
    async fn wait(&mut self, head: Stamp, end: Instant) -> Result<(), Box<dyn Error>> {
        for till in self.tills {
            let position = async || till.read(|state| state.position);
            let reached = poll(BOUND, position, |position| *position >= head).await;
            reached.map_err(|position| format!("a till stays at {} before {}", position.0, head.0))?;
        }
        sleep(SETTLES_WITHIN).await;
        let (before, began) = (calls(self.stack), Instant::now());
        sleep_until(end.into()).await;
        self.calls += calls(self.stack) - before;
        self.took += began.elapsed();
        Ok(())
    }
}

/// Calls of functions so far, through the edge.
fn calls(stack: &Stack) -> u64 {
    stack.host_faults().calls(CLIENT)
}

async fn open(
    stack: &Stack,
    client: &BenchClient,
    meter: &Arc<Meter>,
) -> Result<Vec<Arc<Till>>, Box<dyn Error>> {
    let (api, mut tills) = (Api::new(stack.edge_url())?, Vec::new());
    for i in 0..TILLS {
        let device = format!("till-{i}");
        let login = fleet::cashier(&stack.accounts(), &stack.branches(), &client.room, &device).await?;
        let options = SocketOptions { ping_every: PING / SPEED, ..SocketOptions::default() };
        let till = Till::open_with(&api, &login, Arc::clone(meter), options).await?;
        till.connected().await;
        till.pull_all().await?;
        tills.push(Arc::new(till));
    }
    Ok(tills)
}

pub(super) async fn play(stack: &Stack, hour: &Hour, targets: &mut Targets) -> Result<(), Box<dyn Error>> {
    let client = BenchClient::open(stack, BRANCH, "reader").await?;
    let meter = Arc::new(Meter::default());
    let tills = open(stack, &client, &meter).await?;
    let mut following = JoinSet::new();
    for till in tills.iter().map(Arc::clone) {
        following.spawn(async move { till.fill_gaps().await });
    }
    let (started, at_start, sold) = (Instant::now(), calls(stack), AtomicUsize::new(0));
    let mut quiet = Quiet { stack, tills: &tills, calls: 0, took: Duration::ZERO };
    let mut log = Log::default();
    for (i, (at, invoice)) in hour.sales().enumerate() {
        quiet.wait(log.head(), started + at).await?;
        let till = tills.get(i % TILLS).ok_or("no till")?;
        fleet::sell(till, slice::from_ref(invoice), &sold).await?;
        log = Log::read(stack, &client).await?;
    }
    quiet.wait(log.head(), started + hour.length()).await?;
    let (quiet_calls, took) = (quiet.calls, quiet.took.as_secs());
    let readings = meter.readings();
    let pushes = (readings.pushes.len() + readings.retries) as u64;
    let pulls = (calls(stack) - at_start).saturating_sub(pushes);
    let truth = log.rows();
    let differing: Vec<String> =
        tills.iter().flat_map(|till| till.read(|state| state.rows.differences(&truth, 1))).collect();
    println!(
        "\nthe same over sockets, {} records, with a ping every {} s",
        truth.iter().count(),
        PING.as_secs()
    );
    println!(
        "function calls while nothing changes {quiet_calls}, in {took} s of {} (target: 0)",
        hour.length().as_secs()
    );
    println!(
        "pushes {pushes}, pulls after pushes and gaps {pulls}, records unlike the log {}",
        differing.len()
    );
    targets.expect(quiet_calls == 0, "function calls of tills with sockets while nothing changes");
    targets.expect(differing.is_empty(), &format!("records unlike the log: {}", differing.join(", ")));
    if let Some(ended) = following.try_join_next() {
        ended??;
    }
    Ok(())
}
