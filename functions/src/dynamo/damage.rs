//! Damaged items: each is reported by a log line, which an alarm counts, and then passed over.

use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::item::{Item, as_text};
use super::kind::ItemKind;

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
    tracing::error!(kind = kind.name, key_hash = hash, attribute, "an item is damaged");
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
mod tests {
    use super::*;
    use crate::dynamo::item::key;

    #[test]
    fn the_hash_of_a_key_is_pinned() {
        assert_eq!(key_hash(&key("ROOM#1#2", "REC#products#p-1")), "c27b7ac71709b970");
        assert_ne!(key_hash(&key("a", "bc")), key_hash(&key("ab", "c")));
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
