//! The program's output: progress on standard error, results on standard output.

use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
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
    let _ = writeln!(Lines, "{text}");
}

/// Writes a result to standard output.
pub fn result(text: &str) {
    clear_status();
    let _ = writeln!(io::stdout(), "{text}");
}

/// To the beginning of the line, and erases it.
const ERASE_LINE: &str = "\r\x1b[K";

/// Whether the terminal shows a status line.
static STATUS: Mutex<bool> = Mutex::new(false);

/// Shows `text` as the last line of the terminal, in place of the status before. The next line that is
/// written takes its place.
pub fn status(text: &str) {
    let mut status = STATUS.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = write!(io::stderr(), "{ERASE_LINE}{text}");
    *status = true;
}

/// Removes the status line.
fn clear_status() {
    let mut status = STATUS.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::take(&mut *status) {
        let _ = write!(io::stderr(), "{ERASE_LINE}");
    }
}

/// Standard error, where lines take the place of the status line.
#[derive(Clone, Copy, Debug)]
pub struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        clear_status();
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
