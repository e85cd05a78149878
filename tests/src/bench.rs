//! `cargo xtask bench`: measures the promised figures on a stack of its own.

mod bootstrap;
mod client;
mod direct;
mod edge;
mod redis;
mod rooms;
mod sync;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum, value_parser};
use local::dev::signals::Signals;
use local::stack::{Options, Stack};
use serde_json::{Value, json};

use crate::{day, fleet};

/// First rounds that do not count: they open connections and fill caches.
const WARM_UP: usize = 5;
/// Invoices of a generated day.
const GENERATED_INVOICES: usize = 600;

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "bench", about = "Measures the promised figures on a stack of its own.")]
pub struct Arguments {
    /// What to measure
    bench: Bench,
    /// How often each operation is measured
    #[arg(long, default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
    /// Records of the room that `bootstrap` reads: at least two pages, whose memory is compared
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u32).range(2000..))]
    records: u32,
    /// The day that `edge` plays, as CSV [default: a generated day]
    #[arg(long)]
    day: Option<PathBuf>,
    /// Minutes of the busiest hour that `edge` plays
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u32).range(1..=60))]
    minutes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// Latency and cost of push, pull and broadcast
    Sync,
    /// Commands, latency and failures of Redis
    Redis,
    /// A new till that reads a large room
    Bootstrap,
    /// Function calls of tills that poll
    Edge,
    /// Rooms with many sockets, beside partyserver
    Rooms,
}

/// Runs a benchmark and prints its figures.
pub async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut signals = Signals::watch()?;
    let edge_variables = match arguments.bench {
        Bench::Sync => sync::edge_variables(),
        Bench::Redis => redis::edge_variables(),
        Bench::Bootstrap | Bench::Rooms => BTreeMap::new(),
        Bench::Edge => edge::edge_variables(),
    };
    let options = Options { say: |line| println!("{line}"), edge_variables, ..Options::default() };
    let stack = tokio::select! {
        started = Stack::start(options) => started?,
        () = signals.next() => return Err("stopped by a signal".into()),
    };
    let result = tokio::select! {
        result = measure(arguments, &stack) => result,
        () = signals.next() => Err("stopped by a signal".into()),
    };
    stack.stop().await;
    result
}

async fn measure(arguments: &Arguments, stack: &Stack) -> Result<(), Box<dyn Error>> {
    let rounds = usize::try_from(arguments.rounds)?;
    match arguments.bench {
        Bench::Sync => sync::measure(stack, rounds).await,
        Bench::Redis => redis::measure(stack, rounds).await,
        Bench::Rooms => rooms::measure(stack, rounds).await,
        Bench::Bootstrap => bootstrap::measure(stack, usize::try_from(arguments.records)?).await,
        Bench::Edge => {
            let generated = || Ok(day::generated(GENERATED_INVOICES));
            let day = arguments.day.as_deref().map_or_else(generated, day::read)?;
            edge::measure(stack, &day, arguments.minutes, rounds).await
        }
    }
}

/// A typical product of about 300 bytes of JSON.
fn product(id: &str, n: usize) -> Value {
    let names = [
        "HANGING HEART T-LIGHT HOLDER",
        "METAL LANTERN",
        "CREAM CUPID HEARTS COAT HANGER",
        "FLAG HOT WATER BOTTLE",
    ];
    let name = names.get(n % names.len()).copied().unwrap_or_default();
    json!({
        "table_name": "products", "record_id": id, "local_updated_at": fleet::now().to_string(),
        "data": {
            "name": name, "sku": format!("{:06}", n * 7919 % 1_000_000), "barcode": format!("{:013}", n * 104_729),
            "price": n % 9000, "cost": n % 7000, "tax_rate": "0.20", "unit": "piece", "active": true,
            "category_id": format!("c-{}", n % 40), "supplier_id": format!("s-{}", n % 25),
            "description": format!("{name}, number {n} of the spring collection"), "min_stock": n % 10,
        }
    })
}

fn without_warm_up(durations: Vec<Duration>) -> Vec<Duration> {
    durations.into_iter().skip(WARM_UP).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<(Bench, u32), clap::Error> {
        let parsed = Arguments::try_parse_from([&["bench"], words].concat())?;
        Ok((parsed.bench, parsed.rounds))
    }

    #[test]
    fn a_benchmark_is_named_with_its_rounds() {
        assert_eq!(parse(&["sync"]).unwrap(), (Bench::Sync, 100));
        assert_eq!(parse(&["redis", "--rounds", "7"]).unwrap(), (Bench::Redis, 7));
        assert_eq!(parse(&["bootstrap", "--records", "2000"]).unwrap(), (Bench::Bootstrap, 100));
        for bad in [
            &[][..],
            &["other"],
            &["sync", "redis"],
            &["redis", "--rounds", "0"],
            &["bootstrap", "--records", "1999"],
            &["edge", "--minutes", "61"],
            &["redis", "--fast"],
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
