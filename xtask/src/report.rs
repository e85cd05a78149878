//! What the person at the terminal sees: lines with the seconds since the command began.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Starts the clock that [`say`] reads.
pub(crate) fn start() {
    STARTED.get_or_init(Instant::now);
}

/// Says that something was done or begins: `[setup  12.3s] worker-build 0.8.7 installed`.
pub(crate) fn say(area: &str, text: &str) {
    let elapsed = STARTED.get_or_init(Instant::now).elapsed();
    line(&format!("[{area:<5} {}] {text}", seconds(elapsed)));
}

/// Writes a line to standard error, where it does not mix with what a program answers.
pub(crate) fn line(text: &str) {
    // A terminal that is gone is no reason to fail, and `eprintln!` would panic.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes what was asked for to standard output.
pub(crate) fn answer(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A duration in seconds, always as wide, so that columns stay columns.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:>6.1}s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_one_decimal_and_one_width() {
        assert_eq!(seconds(Duration::from_millis(90)), "   0.1s");
        assert_eq!(seconds(Duration::from_secs(1234)), "1234.0s");
    }
}
