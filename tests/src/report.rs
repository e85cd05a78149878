//! Formats figures and errors.

use std::process::ExitCode;
use std::time::Duration;

/// An error and its causes, in one line.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

/// The 50th, 95th and 99th percentile by nearest rank; zeros without durations.
pub fn percentiles(durations: &[Duration]) -> [Duration; 3] {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    [50, 95, 99].map(|percent| {
        let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(rank).copied().unwrap_or_default()
    })
}

/// Percentiles as a line, in milliseconds.
pub fn line(durations: &[Duration]) -> String {
    percentile_line(durations, millis)
}

/// Percentiles as a line, in microseconds.
pub fn micros_line(durations: &[Duration]) -> String {
    percentile_line(durations, |duration| format!("{} µs", duration.as_micros()))
}

fn percentile_line(durations: &[Duration], format: fn(Duration) -> String) -> String {
    let [p50, p95, p99] = percentiles(durations).map(format);
    format!("p50 {p50:>9}, p95 {p95:>9}, p99 {p99:>9} ({} measured)", durations.len())
}

/// A duration in milliseconds with one decimal.
pub fn millis(duration: Duration) -> String {
    let tenths = duration.as_micros() / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

/// The ratio of two durations with two decimals.
pub fn ratio(one: Duration, other: Duration) -> String {
    hundredths((one.as_micros() * 100).checked_div(other.as_micros()).unwrap_or_default())
}

/// Tenths of a unit per item with two decimals.
pub fn per(tenths: u64, count: usize) -> String {
    hundredths(u128::from(tenths * 10).checked_div(count as u128).unwrap_or_default())
}

/// Hundredths as a number with two decimals.
pub fn hundredths(value: u128) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

/// The exit code of a program. An error is printed with the program's name; `false` fails as well.
pub fn exit_code(program: &str, result: Result<bool, Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{program}: {}", error_chain(&*error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_use_the_nearest_rank() {
        let durations: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentiles(&durations), [50, 95, 99].map(Duration::from_millis));
        assert_eq!(percentiles(&durations[..1]), [100; 3].map(Duration::from_millis));
        assert_eq!(percentiles(&[]), [Duration::ZERO; 3]);
    }

    #[test]
    fn figures_are_truncated_and_a_division_by_zero_gives_zero() {
        assert_eq!((per(1_125, 50).as_str(), per(5, 0).as_str()), ("2.25", "0.00"));
        assert_eq!(ratio(Duration::from_millis(3), Duration::from_millis(2)), "1.50");
        assert_eq!(millis(Duration::from_micros(1_999)), "1.9 ms");
    }
}
