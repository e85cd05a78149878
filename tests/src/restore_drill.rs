//! `cargo xtask restore-drill`: the tables are put back to an earlier moment while tills are beyond it. The
//! tills return, push before they pull, and must end with equal records and without a loss.

mod copy;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use aws_sdk_dynamodb::Client;
use clap::{Parser, value_parser};
use functions::accounts::Accounts;
use functions::dynamo::item::key;
use functions::sync::branches::Branches;
use functions::sync::items::to_head;
use functions::sync::keys;
use local::dev::signals::Signals;
use local::stack::{Options, Stack};
use protocol::ids::Room;
use protocol::stamp::Stamp;

use crate::api::Api;
use crate::day::{self, Invoice};
use crate::fleet;
use crate::till::Till;
use crate::till::meter::Meter;
pub use copy::PutBack;
use copy::RoomCopy;

/// Rounds in which the tills may push and pull until nothing is left to do.
const ROUNDS_MAX: usize = 4;

/// Puts the tables back from a copy while tills are beyond it, and checks that nothing acknowledged is lost.
#[derive(Debug, Parser)]
#[command(name = "restore-drill")]
pub struct Arguments {
    /// Number of tills
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u8).range(2..=32))]
    tills: u8,
    /// Invoices that each till sells before the copy, after it, and after the restore
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u16).range(1..=1000))]
    invoices: u16,
}

/// Where a drill runs.
pub struct Target {
    /// The edge's address, without a slash at the end.
    pub edge_url: String,
    /// Creates the tills' users.
    pub accounts: Accounts,
    /// Creates their branch.
    pub branches: Branches,
    /// DynamoDB, with every permission.
    pub dynamo: Client,
    /// The sync table's name.
    pub table: String,
    /// A room without records.
    pub room: Room,
}

/// How much a drill does.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Number of tills; at least 2.
    pub tills: usize,
    /// Invoices of each till in each of the three parts.
    pub invoices: usize,
}

/// What a drill did and found.
#[derive(Debug)]
pub struct Report {
    /// Items in the copy.
    pub copied: usize,
    /// What the restore changed.
    pub put_back: PutBack,
    /// The room's position before the restore, and right after it.
    pub positions: (Stamp, Stamp),
    /// Batches that the server had acknowledged and lost, and that their tills pushed again.
    pub offered: usize,
    /// What is wrong at the end.
    pub faults: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.positions;
        writeln!(f, "copied           {} items of the room", self.copied)?;
        writeln!(
            f,
            "put back         {} items removed, {} as they were: {} is {} again",
            self.put_back.removed,
            self.put_back.replaced,
            before.time(),
            after.time()
        )?;
        writeln!(f, "offered again    {} acknowledged batches that the server had lost", self.offered)?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "WRONG            {fault}"))?;
        match self.faults.len() {
            0 => write!(f, "equal            all tills and a fresh pull; nothing acknowledged is missing"),
            faults => write!(f, "failed           {faults} differences"),
        }
    }
}

/// Runs a drill on a stack of its own. Returns whether nothing is wrong.
pub async fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let mut signals = Signals::watch()?;
    let options = Options { say: |line| println!("{line}"), ..Options::default() };
    let stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = signals.next() => return Err("stopped by a signal".into()),
    };
    let place = Target {
        edge_url: stack.edge_url().to_owned(),
        accounts: stack.accounts(),
        branches: stack.branches(),
        dynamo: stack.client(),
        table: stack.table().to_owned(),
        room: "drill:1".parse()?,
    };
    let size = Size { tills: arguments.tills.into(), invoices: arguments.invoices.into() };
    let result = tokio::select! {
        result = drill(&place, size) => result,
        () = signals.next() => Err("stopped by a signal".into()),
    };
    stack.stop().await;
    let report = result?;
    println!("{report}");
    Ok(report.faults.is_empty())
}

/// Plays the drill.
pub async fn drill(place: &Target, size: Size) -> Result<Report, Box<dyn Error>> {
    let tills = open_all(place, size.tills).await?;
    let day = day::generated(3 * size.tills * size.invoices);
    let (before, rest) = day.split_at(size.tills * size.invoices);
    let (lost, after) = rest.split_at(size.tills * size.invoices);

    sell(&tills, before).await?;
    let copy = RoomCopy::take(&place.dynamo, &place.table, &place.room).await?;
    // Acknowledged to every till, and gone with the restore.
    sell(&tills, lost).await?;
    let beyond = position(&tills);
    let put_back = copy.put_back().await?;
    // The server does not say what happened. The first till pushes before it pulls.
    let restored = head(place).await?;
    let sold = AtomicUsize::default();
    for (till, share) in tills.iter().zip(fleet::deal(after, tills.len())) {
        fleet::sell(till, &share, &sold).await?;
    }
    let offered = settle(&tills).await?;

    let fresh = open(place, "fresh").await?;
    fresh.pull_all().await?;
    let mut faults = fleet::faults(&tills, &fresh, &day)?;
    if offered == 0 || restored >= beyond {
        faults.push("the restore lost nothing: the drill has not tested anything".to_owned());
    }
    Ok(Report { copied: copy.len(), put_back, positions: (beyond, restored), offered, faults })
}

async fn open_all(place: &Target, count: usize) -> Result<Vec<Arc<Till>>, Box<dyn Error>> {
    let mut tills = Vec::new();
    for i in 1..=count {
        tills.push(open(place, &format!("till-{i}")).await?);
    }
    Ok(tills)
}

async fn open(place: &Target, name: &str) -> Result<Arc<Till>, Box<dyn Error>> {
    let login = fleet::cashier(&place.accounts, &place.branches, &place.room, name).await?;
    let till = Till::open(&Api::new(&place.edge_url)?, &login, Arc::new(Meter::default())).await?;
    till.connected().await;
    Ok(Arc::new(till))
}

/// The tills sell their shares of `day` in turn, and then all stand at HEAD.
async fn sell(tills: &[Arc<Till>], day: &[Invoice]) -> Result<(), Box<dyn Error>> {
    let sold = AtomicUsize::default();
    for (till, share) in tills.iter().zip(fleet::deal(day, tills.len())) {
        till.sync_all().await?;
        fleet::sell(till, &share, &sold).await?;
    }
    for till in tills {
        till.sync_all().await?;
    }
    Ok(())
}

/// Lets every till push and pull until nothing changes. Returns how many batches were offered again.
async fn settle(tills: &[Arc<Till>]) -> Result<usize, Box<dyn Error>> {
    let mut offered = 0;
    for _ in 0..ROUNDS_MAX {
        for till in tills {
            till.pull_all().await?;
            offered += till.read(|state| state.queue.len());
            till.sync_all().await?;
        }
    }
    Ok(offered)
}

/// The latest position of the tills.
fn position(tills: &[Arc<Till>]) -> Stamp {
    tills.iter().map(|till| till.read(|state| state.position)).max().unwrap_or_default()
}

/// The position of the server.
async fn head(place: &Target) -> Result<Stamp, Box<dyn Error>> {
    let item = place.dynamo.get_item().table_name(&place.table).consistent_read(true);
    let item = item.set_key(Some(key(keys::room(&place.room), keys::HEAD.to_owned())));
    let item = item.send().await?.item.ok_or("the room has no HEAD")?;
    Ok(to_head(&item)?.stamp)
}
