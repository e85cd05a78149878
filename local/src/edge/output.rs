//! What wrangler says: shown as it comes, and the end of it kept for the day it dies.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::watch;

/// Lines that are kept.
const LAST_LINES_MAX: usize = 30;
/// What wrangler 4 says when workerd has ended without being asked to.
const RUNTIME_CRASHED: &str = "The Workers runtime crashed unexpectedly";

/// The output of a running edge.
pub(super) struct Output {
    last: Arc<Mutex<VecDeque<String>>>,
    crashed: watch::Receiver<bool>,
}

/// Where each line goes.
#[derive(Clone)]
struct Sink {
    last: Arc<Mutex<VecDeque<String>>>,
    crashed: Arc<watch::Sender<bool>>,
    say: fn(&str),
}

impl Output {
    /// Reads both pipes of `child` until they close.
    pub(super) fn read(child: &mut Child, say: fn(&str)) -> Output {
        let (sender, crashed) = watch::channel(false);
        let sink = Sink { last: Arc::default(), crashed: Arc::new(sender), say };
        if let Some(pipe) = child.stdout.take() {
            tokio::spawn(sink.clone().read(pipe));
        }
        if let Some(pipe) = child.stderr.take() {
            tokio::spawn(sink.clone().read(pipe));
        }
        Output { last: sink.last, crashed }
    }

    /// The last lines, oldest first.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Comes back when workerd has crashed.
    pub(super) async fn runtime_crashed(&mut self) {
        if self.crashed.wait_for(|crashed| *crashed).await.is_err() {
            // Both pipes are closed: whoever waits for wrangler itself will hear of it.
            std::future::pending::<()>().await;
        }
    }
}

impl Sink {
    async fn read(self, pipe: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        // By bytes: a worker may print what is no UTF-8, and must not stop the reading.
        while reader.read_until(b'\n', &mut bytes).await.is_ok_and(|read| read > 0) {
            let line = plain(&String::from_utf8_lossy(&bytes));
            bytes.clear();
            if !line.is_empty() {
                self.take(line);
            }
        }
    }

    fn take(&self, line: String) {
        (self.say)(&line);
        if line.contains(RUNTIME_CRASHED) {
            self.crashed.send_replace(true);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == LAST_LINES_MAX {
            last.pop_front();
        }
        last.push_back(line);
    }
}

/// The line without colours, cursor movements and the blanks around it.
fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // A control sequence (ECMA-48) ends with the first letter or `@`-like character after the bracket.
            if characters.next() == Some('[') {
                let _ = characters.find(|c| ('\u{40}'..='\u{7e}').contains(c));
            }
        } else if !character.is_control() {
            text.push(character);
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_what_only_a_terminal_understands() {
        assert_eq!(plain("\u{1b}[31m✘ \u{1b}[41;97mERROR\u{1b}[0m  no\r\n"), "✘ ERROR  no");
        assert_eq!(plain("\u{1b}[2J\u{1b}[H   \t\n"), "");
        assert_eq!(plain("odd \u{1b}"), "odd");
    }

    #[tokio::test]
    async fn the_last_lines_are_kept_and_a_crash_is_noticed() {
        let script = "for i in $(seq 1 40); do echo line $i; done; echo >&2; sleep 0.2; \
                      echo '[wrangler:warn] The Workers runtime crashed unexpectedly and is being restarted'";
        let mut command = tokio::process::Command::new("sh");
        command
            .args(["-c", script])
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = Output::read(&mut child, |_| {});
        output.runtime_crashed().await;
        let lines = output.last_lines();
        assert!(lines.contains(&"line 40".to_owned()) && lines.len() <= LAST_LINES_MAX, "{lines:?}");
        assert!(child.wait().await.unwrap().success());
    }
}
