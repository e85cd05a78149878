//! Prints lines with the seconds since the command began.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Starts the clock of [`say`].
pub(crate) fn start() {
    STARTED.get_or_init(Instant::now);
}

/// Prints progress to standard error: `[setup  12.3s] worker-build 0.8.7 installed`.
pub(crate) fn say(area: &str, text: &str) {
    let elapsed = STARTED.get_or_init(Instant::now).elapsed();
    line(&format!("[{area:<5} {}] {text}", seconds(elapsed)));
}

pub(crate) fn line(text: &str) {
    // Unlike `eprintln!`, this does not panic when the terminal is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

pub(crate) fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Seconds with one decimal, in a fixed width for columns.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:>6.1}s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_one_decimal_and_a_fixed_width() {
        assert_eq!(seconds(Duration::from_millis(90)), "   0.1s");
        assert_eq!(seconds(Duration::from_secs(1234)), "1234.0s");
    }
}
