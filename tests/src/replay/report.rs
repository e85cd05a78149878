//! What a replay prints.

use std::time::Duration;

use crate::report::{line, per};
use crate::till::meter::Readings;

/// One line while it runs.
pub(super) fn progress(readings: &Readings, sold: usize, of: usize, elapsed: Duration) {
    let (batches, records) = (readings.pushes.len(), readings.records);
    println!(
        "[{:5.1}s] {sold} of {of} invoices, {batches} batches, {records} records",
        elapsed.as_secs_f64()
    );
}

/// The figures at the end.
pub(super) fn print(readings: &Readings, took: Duration) {
    let (batches, records) = (readings.pushes.len(), readings.records);
    println!(
        "{batches} batches, {records} records in {:.1} s; {} sent again",
        took.as_secs_f64(),
        readings.retries
    );
    println!("push            {}", line(&readings.pushes));
    println!("push to screen  {}", line(&readings.screens));
    let write = per(readings.push_units.write_tenths, records);
    let read = per(readings.push_units.read_tenths + readings.pull_units.read_tenths, records);
    println!("units a record  write {write}, read {read}; {} changes pulled", readings.pulled);
}
