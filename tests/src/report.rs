//! How figures and failures are printed.

use std::time::Duration;

/// An error and its causes, in one line.
pub fn tell(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}

/// The durations at 50, 95 and 99 of a hundred; zeros if there are none.
pub fn percentiles(durations: &[Duration]) -> [Duration; 3] {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    [50, 95, 99].map(|percent| {
        let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    })
}

/// Percentiles as a line.
pub fn line(durations: &[Duration]) -> String {
    let [p50, p95, p99] = percentiles(durations).map(millis);
    format!("p50 {p50:>9}, p95 {p95:>9}, p99 {p99:>9} ({} measured)", durations.len())
}

/// Percentiles as a line, for what takes less than some milliseconds.
pub fn fine_line(durations: &[Duration]) -> String {
    let [p50, p95, p99] = percentiles(durations).map(|duration| format!("{} µs", duration.as_micros()));
    format!("p50 {p50:>9}, p95 {p95:>9}, p99 {p99:>9} ({} measured)", durations.len())
}

/// A duration in milliseconds, as text with one digit.
pub fn millis(duration: Duration) -> String {
    let tenths = duration.as_micros() / 100;
    format!("{}.{} ms", tenths / 10, tenths % 10)
}

/// One duration over another, as text with two digits.
pub fn ratio(one: Duration, other: Duration) -> String {
    hundredths((one.as_micros() * 100).checked_div(other.as_micros()).unwrap_or_default())
}

/// Tenths of a unit over a count, as text with two digits.
pub fn per(tenths: u64, count: usize) -> String {
    hundredths(u128::from(tenths * 10).checked_div(count as u128).unwrap_or_default())
}

fn hundredths(value: u128) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let durations: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentiles(&durations), [50, 95, 99].map(Duration::from_millis));
        assert_eq!(percentiles(&durations[..1]), [100; 3].map(Duration::from_millis));
        assert_eq!(percentiles(&[]), [Duration::ZERO; 3]);
    }

    #[test]
    fn figures_are_cut_and_never_divide_by_nothing() {
        assert_eq!((per(1_125, 50).as_str(), per(5, 0).as_str()), ("2.25", "0.00"));
        assert_eq!(ratio(Duration::from_millis(3), Duration::from_millis(2)), "1.50");
        assert_eq!(millis(Duration::from_micros(1_999)), "1.9 ms");
    }
}
