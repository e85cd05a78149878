//! What a replay prints.

use std::time::Duration;

use crate::till::meter::{Readings, percentiles};

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

fn line(durations: &[Duration]) -> String {
    let [p50, p95, p99] = percentiles(durations).map(millis);
    format!("p50 {p50}, p95 {p95}, p99 {p99} ({} measured)", durations.len())
}

/// A duration in milliseconds, as text with one digit.
fn millis(duration: Duration) -> String {
    let tenths = duration.as_micros() / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

/// Tenths of a unit over a count, as text with two digits.
fn per(tenths: u64, count: usize) -> String {
    let hundredths = (tenths * 10).checked_div(count as u64).unwrap_or_default();
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_divided_without_rounding_up() {
        assert_eq!(per(1_125, 50), "2.25");
        assert_eq!(per(5, 0), "0.00");
    }
}
