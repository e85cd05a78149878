//! The output of wrangler: passed on line by line, with the last lines kept for an error message.
//!
//! Written by hand, because only the output tells that workerd has crashed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anstream::adapter::strip_str;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::Notify;

use crate::telemetry::Telemetry;

/// Maximum number of lines that are kept.
const LAST_LINES_MAX: usize = 30;
/// What wrangler 4 prints when workerd has crashed.
const RUNTIME_CRASHED: &str = "The Workers runtime crashed unexpectedly";

pub(super) struct Output {
    last: Mutex<VecDeque<String>>,
    crashed: Notify,
    telemetry: Telemetry,
    say: fn(&str),
}

impl Output {
    /// Reads both pipes of `child` until they close. Lines about requests go to `telemetry`, all others to
    /// `say`.
    pub(super) fn read(child: &mut Child, telemetry: Telemetry, say: fn(&str)) -> Arc<Output> {
        let output = Arc::new(Output { last: Mutex::default(), crashed: Notify::new(), telemetry, say });
        if let Some(pipe) = child.stdout.take() {
            tokio::spawn(Arc::clone(&output).read_pipe(pipe));
        }
        if let Some(pipe) = child.stderr.take() {
            tokio::spawn(Arc::clone(&output).read_pipe(pipe));
        }
        output
    }

    /// The last lines, oldest first.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits until workerd has crashed. Reports a crash once.
    pub(super) async fn runtime_crashed(&self) {
        self.crashed.notified().await;
    }

    async fn read_pipe(self: Arc<Output>, pipe: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // Bytes, because a worker may print invalid UTF-8.
        while reader.read_until(b'\n', &mut bytes).await.is_ok_and(|read| read > 0) {
            let line = strip_str(&String::from_utf8_lossy(&bytes)).to_string().trim().to_owned();
            bytes.clear();
            if !line.is_empty() {
                self.push(line);
            }
        }
    }

    fn push(&self, line: String) {
        if self.telemetry.edge_line(&line) {
            return;
        }
        (self.say)(&line);
        if line.contains(RUNTIME_CRASHED) {
            self.crashed.notify_one();
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES_MAX {
            last.pop_front();
        }
        last.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_lines_are_kept_in_plain_text_and_a_crash_is_noticed() {
        let script = "for i in $(seq 1 40); do printf '\\033[31mline\\033[0m %s\\n' $i; done; \
                      printf '\\033[2J\\033[H   \\t\\n' >&2; sleep 0.2; \
                      echo '[wrangler:warn] The Workers runtime crashed unexpectedly and is being restarted'";
        let mut command = tokio::process::Command::new("sh");
        command
            .args(["-c", script])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = Output::read(&mut child, Telemetry::default(), |_| {});
        output.runtime_crashed().await;
        let lines = output.last_lines();
        assert!(lines.contains(&"line 40".to_owned()) && lines.len() <= LAST_LINES_MAX, "{lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("line ") || line.contains("crashed")), "{lines:?}");
        assert!(child.wait().await.unwrap().success());
    }
}
