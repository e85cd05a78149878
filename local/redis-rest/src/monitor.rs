//! `/monitor`: every command that reaches the server, in the form of Redis's MONITOR.
//!
//! Made here and not by the engine, which would also show the server's own commands. Commands that reach the
//! engine in another way, or that scripts run, are not shown.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::request::Arguments;

/// Commands that a listener may lag behind before it is dropped.
const LAG_MAX: usize = 4096;

/// Sends each command to every listener.
pub(crate) struct Monitor(broadcast::Sender<Bytes>);

impl Default for Monitor {
    fn default() -> Monitor {
        Monitor(broadcast::Sender::new(LAG_MAX))
    }
}

impl Monitor {
    pub(crate) fn show(&self, arguments: &Arguments) {
        if self.0.receiver_count() > 0 {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let line = format!("{}.{:06} {}", since.as_secs(), since.subsec_micros(), line(arguments));
            // The last listener may have left in between.
            let _ = self.0.send(line.into());
        }
    }

    pub(crate) fn listen(&self) -> broadcast::Receiver<Bytes> {
        self.0.subscribe()
    }
}

/// The database, an address as the service writes it, and the arguments in quotes.
fn line(arguments: &Arguments) -> String {
    let mut line = "[0 0.0.0.0:0]".to_owned();
    for argument in arguments {
        line.push_str(" \"");
        for &byte in argument {
            match byte {
                b'"' => line.push_str("\\\""),
                b'\\' => line.push_str("\\\\"),
                b'\n' => line.push_str("\\n"),
                b'\r' => line.push_str("\\r"),
                b'\t' => line.push_str("\\t"),
                0x07 => line.push_str("\\a"),
                0x08 => line.push_str("\\b"),
                b' '..=b'~' => line.push(char::from(byte)),
                // Writing into a string cannot fail.
                other => drop(write!(line, "\\x{other:02x}")),
            }
        }
        line.push('"');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_as_redis_does() {
        let arguments = vec![Bytes::from_static(b"set"), Bytes::from_static(b"a\"\\\n\x07\xff ~")];
        assert_eq!(line(&arguments), r#"[0 0.0.0.0:0] "set" "a\"\\\n\a\xff ~""#);
    }

    #[test]
    fn listeners_see_only_later_commands() {
        let monitor = Monitor::default();
        monitor.show(&vec![Bytes::from_static(b"before")]);
        let mut listener = monitor.listen();
        monitor.show(&vec![Bytes::from_static(b"after")]);
        let shown = String::from_utf8(listener.try_recv().unwrap().to_vec()).unwrap();
        assert!(shown.ends_with(" [0 0.0.0.0:0] \"after\""), "{shown}");
        assert!(listener.try_recv().is_err());
    }
}
