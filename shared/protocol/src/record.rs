//! Record keys and changes.

use serde::{Deserialize, Serialize};

use crate::json::JsonText;
use crate::limits::RECORD_ID_BYTES_MAX;
use crate::stamp::Stamp;

/// The key of a record within its room. The table is a synced one and the id was checked, so both may become
/// part of a database key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The table, such as `invoices`.
    pub table: String,
    /// The record's id, chosen by the till; usually a UUID.
    pub id: String,
}

/// Whether `id` is valid: 1 to 255 bytes of UTF-8 without control characters.
pub fn is_record_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= RECORD_ID_BYTES_MAX && !id.chars().any(char::is_control)
}

/// Whether the path of a URL can hold `id`. URL parsers take `.` and `..` for steps to another path, also
/// when they are percent-encoded.
pub fn is_addressable(id: &str) -> bool {
    !matches!(id, "." | "..")
}

/// The effect of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// The server had no copy, or a tombstone.
    Create,
    /// The server had a copy.
    Update,
    /// The record is deleted; `data` is its last content.
    Delete,
}

/// One applied write, as it is logged and published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The record.
    pub key: RecordKey,
    /// The operation.
    pub operation: Operation,
    /// The record after the change.
    pub data: JsonText,
    /// The record's version after it.
    pub version: u64,
    /// The stamp of the change.
    pub stamp: Stamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_are_short_text_without_control_characters() {
        assert!(is_record_id("uuid-123") && is_record_id("Größe 42") && is_record_id(&"x".repeat(255)));
        assert!(!is_record_id("") && !is_record_id("a\u{0}b") && !is_record_id(&"x".repeat(256)));
        assert!(!is_record_id(&"ä".repeat(128)), "bytes count, not characters");
        assert!(
            !is_addressable(".") && !is_addressable("..") && is_addressable("...") && is_addressable("%2e")
        );
    }
}
