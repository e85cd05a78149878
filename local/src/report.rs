//! The program's output: progress on standard error, results on standard output.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::time::Instant;

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Starts the clock that [`say`] reads.
pub fn start() {
    STARTED.get_or_init(Instant::now);
}

/// Reports progress with the time since the start: `[dev      2.1s] the edge is up`.
pub fn say(area: &str, text: &str) {
    let elapsed = STARTED.get_or_init(Instant::now).elapsed().as_secs_f64();
    line(&format!("[{area:<5} {elapsed:>6.1}s] {text}"));
}

/// Writes a line to standard error.
pub fn line(text: &str) {
    // `eprintln!` would panic when the terminal has closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a result to standard output.
pub fn result(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}
