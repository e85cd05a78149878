//! What the person at the terminal sees: progress on standard error, what was asked for on standard output.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Instant;

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Starts the clock that [`say`] reads.
pub fn start() {
    STARTED.get_or_init(Instant::now);
}

/// Says that something was done or begins: `[dev      2.1s] the edge is up`.
pub fn say(area: &str, text: &str) {
    let elapsed = STARTED.get_or_init(Instant::now).elapsed().as_secs_f64();
    line(&format!("[{area:<5} {elapsed:>6.1}s] {text}"));
}

/// Writes a line to standard error.
pub fn line(text: &str) {
    // A terminal that is gone is no reason to fail, and `eprintln!` would panic.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes what was asked for to standard output.
pub fn answer(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
