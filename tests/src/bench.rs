//! What is promised in figures, measured on a stack of its own: one file per benchmark.

mod counter;
mod redis;
mod sync;

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::time::Duration;

use local::dev::signals::Signals;
use local::stack::{Options, Stack};
use serde_json::{Value, json};

use crate::fleet;

const USAGE: &str = "usage: bench sync|redis [--rounds 100]";
const ROUNDS: usize = 100;
/// Rounds that are run and not counted: connections are opened, caches filled.
const WARM_UP: usize = 5;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bench {
    Sync,
    Redis,
}

/// Runs the benchmark that the command line names.
pub async fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let (bench, rounds) = read(arguments)?;
    let mut signals = Signals::watch()?;
    let edge_variables = match bench {
        Bench::Sync => BTreeMap::new(),
        Bench::Redis => redis::edge_variables(),
    };
    let options = Options { say: |line| println!("{line}"), edge_variables, ..Options::default() };
    let stack = tokio::select! {
        started = Stack::start(options) => started?,
        () = signals.next() => return Err("stopped".into()),
    };
    let result = tokio::select! {
        result = measure(bench, &stack, rounds) => result,
        () = signals.next() => Err("stopped".into()),
    };
    stack.stop().await;
    result
}

/// The benchmark and its rounds.
fn read(arguments: impl Iterator<Item = OsString>) -> Result<(Bench, usize), Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut bench, mut rounds) = (None, ROUNDS);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rounds") => rounds = parser.value()?.parse()?,
            Value(word) if bench.is_none() && word == "sync" => bench = Some(Bench::Sync),
            Value(word) if bench.is_none() && word == "redis" => bench = Some(Bench::Redis),
            other => return Err(format!("{}; {USAGE}", other.unexpected()).into()),
        }
    }
    bench.filter(|_| rounds > 0).map(|bench| (bench, rounds)).ok_or_else(|| USAGE.into())
}

async fn measure(bench: Bench, stack: &Stack, rounds: usize) -> Result<(), Box<dyn Error>> {
    match bench {
        Bench::Sync => sync::measure(stack, rounds).await,
        Bench::Redis => redis::measure(stack, rounds).await,
    }
}

/// A product as a shop has it, some 300 bytes of JSON.
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

fn warm(durations: Vec<Duration>) -> Vec<Duration> {
    durations.into_iter().skip(WARM_UP).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Result<(Bench, usize), String> {
        read(words.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_benchmark_is_named_with_its_rounds() {
        assert_eq!(words(&["sync"]), Ok((Bench::Sync, ROUNDS)));
        assert_eq!(words(&["redis", "--rounds", "7"]), Ok((Bench::Redis, 7)));
        for bad in
            [&[][..], &["other"], &["sync", "redis"], &["redis", "--rounds", "0"], &["redis", "--fast"]]
        {
            assert!(words(bad).unwrap_err().ends_with(USAGE), "{bad:?}");
        }
    }
}
