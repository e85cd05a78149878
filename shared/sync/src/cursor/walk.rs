//! A walk over the records of one room: the state of an unfinished snapshot.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::limits::CURSOR_KEY_BYTES_MAX;
use protocol::record::{RecordKey, is_record_id};
use protocol::stamp::{NotACursor, Stamp, parse_digits};
use protocol::timestamp::Timestamp;

/// The progress of a walk. It is complete, so any server can continue it at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The position noted before the first record was read; the log after it completes the snapshot.
    pub noted: Stamp,
    /// When the walk began.
    pub started: Timestamp,
    /// The last record that was read; `None` at the beginning.
    pub after: Option<RecordKey>,
}

impl Walk {
    /// The snapshot's id; it differs between walks of a room that saw different records.
    pub fn snapshot_id(&self) -> String {
        format!("{}-{}", self.noted.0, self.started.0)
    }
}

/// A record key as text in a cursor: `<table>#<id>`. A table name has no `#`, so the first one ends it.
pub(super) fn key_text(key: &RecordKey) -> String {
    format!("{}#{}", key.table, key.id)
}

/// The inverse of [`key_text`].
pub(super) fn parse_key(text: &str) -> Option<RecordKey> {
    let (table, id) = text.split_once('#')?;
    let fits = text.len() <= CURSOR_KEY_BYTES_MAX && !table.is_empty() && is_record_id(id);
    let plain = table.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (fits && plain).then(|| RecordKey { table: table.to_owned(), id: id.to_owned() })
}

impl fmt::Display for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.as_ref().map(key_text).unwrap_or_default();
        write!(f, "{}.{}.{}", self.noted.0, self.started.0, BASE64_URL_SAFE_NO_PAD.encode(after))
    }
}

impl FromStr for Walk {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Walk, NotACursor> {
        let read = || {
            let mut parts = text.splitn(3, '.');
            let (noted, started) = (parse_digits(parts.next()?)?, parse_digits(parts.next()?)?);
            let after = match parts.next()? {
                "" => None,
                key => {
                    let key = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(key).ok()?).ok()?;
                    Some(parse_key(&key)?)
                }
            };
            Some(Walk { noted, started: started.time(), after })
        };
        read().ok_or(NotACursor)
    }
}
