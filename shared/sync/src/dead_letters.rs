//! Dead letters: what was rejected, kept with its reason until somebody has replayed or discarded it.
//!
//! A batch's letters are one stored item (more only where it would not fit), as a batch's changes are one log item.

pub mod page;
pub mod stored;

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::limits::{DEAD_PAYLOAD_BYTES_MAX, LOG_ITEM_BYTES_MAX, LOG_ITEM_INFLATED_BYTES_MAX};
use crate::log::LogError;
use crate::outcome::Outcome;
use crate::push::{Incoming, Push};
use protocol::json::{JsonText, cut_at, nests_deeper};
use protocol::limits::{JSON_DEPTH_MAX, RECORD_BYTES_MAX};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::RejectionCode;

/// One rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The record's place in its batch.
    pub index: usize,
    /// The record's table, if it could be read.
    pub table: Option<String>,
    /// The record's id, if it could be read.
    pub id: Option<String>,
    /// Why it was rejected.
    pub code: String,
    /// What there is to do about it.
    pub message: String,
    /// The record as it was sent.
    pub payload: Payload,
}

/// A record as it was sent, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// All of it.
    Whole(JsonText),
    /// The beginning of one that is over 64 KiB, or the text of one that nests too deeply.
    Cut {
        /// The beginning.
        text: String,
        /// Bytes of the whole.
        bytes: usize,
        /// SHA-256 of the whole, in hexadecimal.
        sha256: String,
    },
}

impl Payload {
    /// Keeps `raw`, which was rejected for `code`, or its beginning.
    pub fn of(raw: &JsonText, code: RejectionCode) -> Payload {
        let text = raw.as_str();
        let most =
            if code == RejectionCode::RecordTooLarge { RECORD_BYTES_MAX } else { DEAD_PAYLOAD_BYTES_MAX };
        // What nests too deeply is kept as text: whoever lists it has a parser too.
        if text.len() <= most && !nests_deeper(text.as_bytes(), JSON_DEPTH_MAX + 1) {
            return Payload::Whole(raw.clone());
        }
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        Payload::Cut { text: cut_at(text, most).to_owned(), bytes: text.len(), sha256 }
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Letter {
    /// The letters of a push that was decided like this.
    pub fn of(push: &Push, outcomes: &[Outcome]) -> Vec<Letter> {
        let rejected = push.records.iter().zip(outcomes).enumerate();
        let letter = |(index, (incoming, outcome)): (usize, (&Incoming, &Outcome))| match outcome {
            Outcome::Rejected(rejection) => Some(Letter {
                index,
                table: incoming.table.clone(),
                id: incoming.id.clone(),
                code: rejection.code.as_str().to_owned(),
                message: rejection.message.clone(),
                payload: Payload::of(&incoming.raw, rejection.code),
            }),
            _ => None,
        };
        rejected.filter_map(letter).collect()
    }

    /// Bytes that it takes to keep the letter, at most: quotes in a cut payload are escaped.
    pub fn stored_bytes(&self) -> usize {
        let kept = match &self.payload {
            Payload::Whole(raw) => raw.as_str().len(),
            Payload::Cut { text, .. } => text.len() * 2,
        };
        let names = self.table.as_ref().map_or(0, String::len) + self.id.as_ref().map_or(0, String::len);
        kept + 2 * (names + self.message.len()) + 256
    }
}

/// The letters of one batch that are kept in one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadItem {
    /// What the item is filed under.
    pub key: DeadKey,
    /// The letters' places in their batch that nobody has dealt with yet.
    pub open: Vec<usize>,
    /// The letters: JSON, compressed by DEFLATE (RFC 1951).
    pub body: Vec<u8>,
}

/// What a dead-letter item is filed under: time, then batch, then part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadKey {
    /// The stamp that the batch's commit would have begun with.
    pub at: Stamp,
    /// The beginning of the batch's hash, so that two batches of one moment do not meet.
    pub batch: String,
    /// The item's place among those of its batch.
    pub part: usize,
}

/// The name of one letter on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterId {
    /// The item it is in.
    pub key: DeadKey,
    /// Its place in its batch.
    pub index: usize,
}

/// Bytes of the batch's hash that go into a key.
const KEY_HASH_BYTES: usize = 8;

impl std::fmt::Display for DeadKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016}.{}.{}", self.at.0, self.batch, self.part)
    }
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.key, self.index)
    }
}

/// A text that names no dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the dead letter's id: use one from an answer of this server")]
pub struct NotALetter;

impl std::str::FromStr for DeadKey {
    type Err = NotALetter;

    fn from_str(text: &str) -> Result<DeadKey, NotALetter> {
        let parts: Vec<&str> = text.split('.').collect();
        let [at, batch, part] = parts.as_slice() else { return Err(NotALetter) };
        let hex = batch.len() == 2 * KEY_HASH_BYTES
            && batch.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let key = DeadKey {
            at: Stamp(at.parse().map_err(|_| NotALetter)?),
            batch: (*batch).to_owned(),
            part: part.parse().map_err(|_| NotALetter)?,
        };
        // One key has one way to be written.
        if hex && key.to_string() == text { Ok(key) } else { Err(NotALetter) }
    }
}

impl std::str::FromStr for LetterId {
    type Err = NotALetter;

    fn from_str(text: &str) -> Result<LetterId, NotALetter> {
        let (key, index) = text.rsplit_once('.').ok_or(NotALetter)?;
        let id = LetterId { key: key.parse()?, index: index.parse().map_err(|_| NotALetter)? };
        if id.to_string() == text { Ok(id) } else { Err(NotALetter) }
    }
}

/// The items that keep `letters` of `push`, which was decided at `now` and whose commit would have begun with `at`.
pub fn items(push: &Push, at: Stamp, now: Timestamp, letters: &[Letter]) -> Result<Vec<DeadItem>, LogError> {
    let mut hasher = Sha256::new();
    // A batch without a name may come again while HEAD, and with it `at`, stands still: those are letters of their own,
    // and must not open again what somebody has dealt with.
    hasher.update(now.0.to_le_bytes());
    hasher.update(push.device.as_str());
    hasher.update(push.batch.as_ref().map_or("", |batch| batch.as_str()));
    hasher.update(push.hash);
    let batch = hex(hasher.finalize().get(..KEY_HASH_BYTES).unwrap_or_default());
    let mut parts: Vec<Vec<&Letter>> = Vec::new();
    let mut bytes = 0;
    for letter in letters {
        let size = letter.stored_bytes();
        match parts.last_mut() {
            Some(part) if bytes + size <= LOG_ITEM_BYTES_MAX => part.push(letter),
            _ => {
                parts.push(vec![letter]);
                bytes = 0;
            }
        }
        bytes += size;
    }
    let item = |(part, letters): (usize, Vec<&Letter>)| {
        let key = DeadKey { at, batch: batch.clone(), part };
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&serde_json::to_vec(&letters)?)?;
        Ok(DeadItem {
            key,
            open: letters.iter().map(|letter| letter.index).collect(),
            body: encoder.finish()?,
        })
    };
    parts.into_iter().enumerate().map(item).collect()
}

/// The letters of an item that nobody has dealt with yet.
pub fn letters(item: &DeadItem) -> Result<Vec<Letter>, LogError> {
    let mut json = Vec::new();
    // The bound keeps a damaged item from filling the memory.
    DeflateDecoder::new(item.body.as_slice())
        .take(LOG_ITEM_INFLATED_BYTES_MAX as u64)
        .read_to_end(&mut json)?;
    let mut letters: Vec<Letter> = serde_json::from_slice(&json)?;
    letters.retain(|letter| item.open.contains(&letter.index));
    Ok(letters)
}

#[cfg(test)]
mod tests;
