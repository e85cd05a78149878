//! A walk over the records of one room: the state of an unfinished snapshot.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::vector::bytes::{STAMP_BYTES, number, take_number};
use crate::limits::CURSOR_KEY_BYTES_MAX;
use protocol::record::{RecordKey, is_record_id};
use protocol::stamp::{Stamp, parse_digits};
use protocol::timestamp::Timestamp;

/// Bytes of a walk's positions and time before they are sealed; the key follows.
pub const WALK_HEAD_BYTES: usize = 3 * STAMP_BYTES;

/// The progress of a walk. It is complete, so any server can continue it at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The position noted before the first record was read; the log after it completes the snapshot.
    pub noted: Stamp,
    /// When the walk began.
    pub started: Timestamp,
    /// The latest stamp of a record that was left to the log, because it is after `noted`.
    pub skipped: Option<Stamp>,
    /// The last record that was read; `None` at the beginning.
    pub after: Option<RecordKey>,
}

impl Walk {
    /// The snapshot's id; it differs between walks of a room that saw different records.
    pub fn snapshot_id(&self) -> String {
        format!("{}-{}", self.noted.0, self.started.0)
    }

    /// The bytes that are sealed: three numbers and the key as text.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let after = self.after.as_ref().map(key_text).unwrap_or_default();
        let skipped = self.skipped.unwrap_or_default();
        let numbers = [self.noted.0, self.started.0, skipped.0].map(number);
        [numbers.as_flattened(), after.as_bytes()].concat()
    }

    /// The inverse of [`Walk::to_bytes`].
    pub(super) fn from_bytes(mut bytes: &[u8]) -> Option<Walk> {
        let mut take = || take_number(&mut bytes);
        let (noted, started, skipped) = (Stamp(take()?), Timestamp(take()?), Stamp(take()?));
        let after = match std::str::from_utf8(bytes).ok()? {
            "" => None,
            text => Some(parse_key(text)?),
        };
        let skipped = Some(skipped).filter(|&skipped| skipped > Stamp::ZERO);
        let fits = skipped.is_none_or(|skipped| noted < skipped && skipped.0 <= Timestamp::MAX.0);
        let fits = fits && noted.0 <= Timestamp::MAX.0 && started <= Timestamp::MAX;
        fits.then_some(Walk { noted, started, skipped, after })
    }
}

/// A record key as text in a cursor: `<table>#<id>`. A table name has no `#`, so the first one ends it.
fn key_text(key: &RecordKey) -> String {
    format!("{}#{}", key.table, key.id)
}

/// The inverse of [`key_text`].
fn parse_key(text: &str) -> Option<RecordKey> {
    let (table, id) = text.split_once('#')?;
    let fits = text.len() <= CURSOR_KEY_BYTES_MAX && !table.is_empty() && is_record_id(id);
    let plain = table.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (fits && plain).then(|| RecordKey { table: table.to_owned(), id: id.to_owned() })
}

/// Whether `rest` is a walk of an older server, `<noted>.<started>.<key as base64>`.
pub(super) fn is_old(rest: &str) -> bool {
    let mut parts = rest.splitn(3, '.');
    let mut digits = || parts.next().and_then(parse_digits).is_some();
    digits() && digits() && parts.next().is_some_and(|key| BASE64_URL_SAFE_NO_PAD.decode(key).is_ok())
}
