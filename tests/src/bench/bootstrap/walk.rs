//! A till's walk over all records of a server.

use std::error::Error;
use std::fmt;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::memory::Watched;
use crate::report::{hundredths, per};

/// Readings of memory during a walk.
const READINGS: usize = 20;
/// By how many percent the peak of the second half of a walk may exceed the peak of the first half.
const GROWTH_PERCENT_MAX: u64 = 25;
const MIB: u64 = 1024 * 1024;

/// What the till's script prints after each page.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Progress {
    /// Records received.
    received: usize,
    /// The time since the start, in microseconds.
    micros: u64,
    /// Of it, the time to write the records to the file.
    store_micros: u64,
    /// Requests to DynamoDB.
    requests: u64,
    /// Read units consumed, in tenths.
    read_tenths: u64,
}

/// A finished walk.
pub(super) struct Walk {
    end: Progress,
    watched: Vec<Watched>,
}

/// Runs the script of a till that must receive exactly `records`.
pub(super) async fn run(
    mut till: Command,
    records: usize,
    mut watched: Vec<Watched>,
) -> Result<Walk, Box<dyn Error>> {
    let mut till = till.spawn()?;
    watched.push(Watched::child("till", &till)?);
    let output = till.stdout.take().ok_or("failed to read the output of the till")?;
    let mut lines = BufReader::new(output).lines();
    let mut end = Progress::default();
    while let Some(line) = lines.next_line().await? {
        let before = end.received * READINGS / records;
        end = serde_json::from_str(&line)?;
        if end.received * READINGS / records > before {
            watched.iter_mut().try_for_each(Watched::read)?;
        }
    }
    let status = till.wait().await?;
    if !status.success() || end.received != records {
        return Err(format!("the till received {} of {records} records ({status})", end.received).into());
    }
    Ok(Walk { end, watched })
}

impl Walk {
    /// Records a second.
    pub(super) fn rate(&self) -> u128 {
        self.end.received as u128 * 1_000_000 / u128::from(self.end.micros.max(1))
    }

    /// Fails if the memory of a process grew.
    pub(super) fn must_be_flat(&self) -> Result<(), Box<dyn Error>> {
        let grew = |watched: &&Watched| {
            let [first, second] = watched.peaks();
            second * 100 > first * (100 + GROWTH_PERCENT_MAX)
        };
        let grown: Vec<&str> = self.watched.iter().filter(grew).map(|watched| watched.name).collect();
        if grown.is_empty() { Ok(()) } else { Err(format!("memory grew: {}", grown.join(", ")).into()) }
    }
}

impl fmt::Display for Walk {
    /// The memory is the peaks of the first and the second half of the walk.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { micros, store_micros, requests, read_tenths, .. } = self.end;
        let seconds = |micros: u64| hundredths(u128::from(micros / 10_000));
        writeln!(out, "  records a second     {}", self.rate())?;
        writeln!(
            out,
            "  the whole walk       {} s, of it {} s to store",
            seconds(micros),
            seconds(store_micros)
        )?;
        if requests > 0 {
            writeln!(out, "  DynamoDB             {requests} requests, {} read units", per(read_tenths, 1))?;
        }
        for watched in &self.watched {
            let [first, second] = watched.peaks().map(|bytes| bytes / MIB);
            let name = watched.name;
            writeln!(out, "  memory               {first} MiB, then {second} MiB: the {name}")?;
        }
        Ok(())
    }
}
