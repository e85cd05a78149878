//! Damaged items: each is reported by a log line, which an alarm counts, and then passed over.

use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::item::{Item, as_text};
use super::kind::ItemKind;

/// The message of the log line. `template.yaml` counts the lines with it.
pub const DAMAGED: &str = "an item is damaged";

/// Bytes of a key's hash in logs and statistics.
const KEY_HASH_BYTES: usize = 8;

/// Reports an item of `kind` that cannot be read; returns the hash of its key. Neither key nor data are
/// logged: both may be personal.
pub fn report(kind: &ItemKind, item: &Item, error: &StoreError) -> String {
    let hash = key_hash(item);
    let attribute = match error {
        StoreError::Corrupt(attribute) => attribute,
        _ => "body",
    };
    tracing::error!(kind = kind.name, key_hash = hash, attribute, "{DAMAGED}");
    hash
}

/// What `read` returns, or `None` for a damaged item, which is reported.
pub fn readable<T>(
    kind: &ItemKind,
    item: &Item,
    read: impl FnOnce(&Item) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    pass_over(read(item), |error| drop(report(kind, item, error)))
}

/// What was read, or `None` for a damaged item, which `report` reports.
pub fn pass_over<T>(
    read: Result<T, StoreError>,
    report: impl FnOnce(&StoreError),
) -> Result<Option<T>, StoreError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_damage() => {
            report(&error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The hash of the item's key, in hexadecimal. `printf 'PK\nSK' | sha256sum` begins with the same digits.
pub fn key_hash(item: &Item) -> String {
    let [pk, sk] = ["pk", "sk"].map(|name| item.get(name).and_then(as_text).map_or("", String::as_str));
    let hash = Sha256::new().chain_update(pk).chain_update("\n").chain_update(sk).finalize();
    hex::encode(hash.get(..KEY_HASH_BYTES).unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use lambda_http::tracing::Subscriber;
    use lambda_http::tracing::subscriber::fmt;
    use serde_json::Value;
    use tracing::subscriber::with_default;

    use super::*;
    use crate::dynamo::item::key;

    #[test]
    fn the_hash_of_a_key_is_pinned() {
        assert_eq!(key_hash(&key("ROOM#1#2", "REC#products#p-1")), "c27b7ac71709b970");
        assert_ne!(key_hash(&key("a", "bc")), key_hash(&key("ab", "c")));
    }

    /// The line as Lambda gets it, in the format that template.yaml sets.
    #[test]
    fn the_log_line_names_what_is_damaged_and_no_key() {
        let (subscriber, lines) = log();
        let kind = ItemKind { name: "thing", format: 1, attributes: &[] };
        let error = StoreError::Corrupt("stamp");
        with_default(subscriber, || report(&kind, &key("ROOM#1#2", "REC#products#p-1"), &error));
        let text = text(&lines);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (line["level"].as_str(), line["fields"]["message"].as_str()),
            (Some("ERROR"), Some(DAMAGED))
        );
        assert_eq!(
            (&line["fields"]["kind"], &line["fields"]["attribute"]),
            (&"thing".into(), &"stamp".into())
        );
        assert_eq!(line["fields"]["key_hash"], "c27b7ac71709b970");
        assert!(!text.contains("products") && !text.contains("p-1"), "{text}");
    }

    /// What was logged, in JSON.
    pub(crate) type Lines = Arc<Mutex<Vec<u8>>>;

    /// A log of a test, and what will be in it.
    pub(crate) fn log() -> (impl Subscriber + Send + Sync, Lines) {
        let lines = Lines::default();
        let writer = lines.clone();
        (fmt().json().with_writer(move || Line(writer.clone())).finish(), lines)
    }

    pub(crate) fn text(lines: &Lines) -> String {
        String::from_utf8(lines.lock().unwrap().clone()).unwrap()
    }

    struct Line(Lines);

    impl Write for Line {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn damage_is_passed_over_and_other_errors_are_not() {
        let kind = ItemKind { name: "thing", format: 1, attributes: &[] };
        let read = |error| readable(&kind, &Item::new(), |_| Err::<(), _>(error));
        assert!(read(StoreError::Corrupt("stamp")).unwrap().is_none());
        assert!(read(StoreError::Newer { kind: "thing", format: 2 }).is_err());
        assert!(read(StoreError::Lost).is_err());
        assert_eq!(readable(&kind, &Item::new(), |_| Ok(7)).unwrap(), Some(7));
    }
}
