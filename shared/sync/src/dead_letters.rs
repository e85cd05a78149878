//! Dead letters: rejected records, stored with the reason until a person replays or discards them.
//!
//! The dead letters of a batch are one stored item, or several if they do not fit one.

pub mod page;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::dead_letter_id::{DeadLetterId, DeadLetterKey, KEY_HASH_BYTES};
use crate::limits::{DEAD_PAYLOAD_BYTES_MAX, LOG_ITEM_BYTES_MAX};
use crate::log::{LogError, compress, decompress};
use crate::outcome::Outcome;
use crate::push::{Incoming, Push};
use protocol::ids::{BatchId, DeviceId, GroupId};
use protocol::json::{JsonText, nests_deeper, truncated};
use protocol::limits::{JSON_DEPTH_MAX, RECORD_BYTES_MAX};
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::RejectionCode;

/// One rejected record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The record's place in its batch.
    pub index: usize,
    /// The record's table, if it could be read.
    pub table: Option<String>,
    /// The record's id, if it could be read.
    pub id: Option<String>,
    /// The record's group, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The rejection code.
    pub code: String,
    /// What to do about it.
    pub message: String,
    /// The record as it was sent.
    pub payload: Payload,
}

/// A rejected record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// The whole record.
    Whole(JsonText),
    /// The beginning of a record over the limit, or the text of one that nests too deeply.
    Cut {
        /// The beginning.
        text: String,
        /// Bytes of the whole record.
        bytes: usize,
        /// SHA-256 of the whole record, in hexadecimal.
        sha256: String,
    },
}

impl Payload {
    /// Keeps `raw`, which was rejected with `code`, or its beginning.
    pub fn of(raw: &JsonText, code: RejectionCode) -> Payload {
        let text = raw.as_str();
        let bytes_max =
            if code == RejectionCode::RecordTooLarge { RECORD_BYTES_MAX } else { DEAD_PAYLOAD_BYTES_MAX };
        // Deeply nested JSON is stored as text, because it would break the parsers of clients that list it.
        if text.len() <= bytes_max && !nests_deeper(text.as_bytes(), JSON_DEPTH_MAX + 1) {
            return Payload::Whole(raw.clone());
        }
        let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
        Payload::Cut { text: truncated(text, bytes_max).to_owned(), bytes: text.len(), sha256 }
    }
}

impl DeadLetter {
    /// The dead letters of a push with these outcomes.
    pub fn of(push: &Push, outcomes: &[Outcome]) -> Vec<DeadLetter> {
        let rejected = push.records.iter().zip(outcomes).enumerate();
        let letter = |(index, (incoming, outcome)): (usize, (&Incoming, &Outcome))| match outcome {
            Outcome::Rejected(rejection) => Some(DeadLetter {
                index,
                table: incoming.table.clone(),
                id: incoming.id.clone(),
                group: incoming.group.clone(),
                code: rejection.code.as_str().to_owned(),
                message: rejection.message.clone(),
                payload: Payload::of(&incoming.raw, rejection.code),
            }),
            _ => None,
        };
        rejected.filter_map(letter).collect()
    }

    /// Upper bound of the bytes that storing it takes; quotes in a cut payload are escaped.
    pub fn stored_bytes(&self) -> usize {
        let kept = match &self.payload {
            Payload::Whole(raw) => raw.as_str().len(),
            Payload::Cut { text, .. } => text.len() * 2,
        };
        let names = [&self.table, &self.id].into_iter().flatten().map(String::len).sum::<usize>();
        let names = names + self.group.as_ref().map_or(0, |group| group.as_str().len());
        kept + 2 * (names + self.message.len()) + 256
    }
}

/// The dead letters of one batch in one stored item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterItem {
    /// The key of the item.
    pub key: DeadLetterKey,
    /// The indexes of the dead letters that were neither replayed nor discarded.
    pub open: Vec<usize>,
    /// The dead letters as JSON, compressed by DEFLATE (RFC 1951).
    pub body: Vec<u8>,
}

/// The items that store `letters` of `push`, which was decided at `now` with `at` as the first stamp of its
/// commit.
pub fn items(
    push: &Push,
    at: Stamp,
    now: Timestamp,
    letters: &[DeadLetter],
) -> Result<Vec<DeadLetterItem>, LogError> {
    let first = first_key(push, at, now);
    let item = |(part, letters): (usize, Vec<&DeadLetter>)| {
        let key = DeadLetterKey { part, ..first.clone() };
        let open = letters.iter().map(|letter| letter.index).collect();
        Ok(DeadLetterItem { key, open, body: compress(&letters)? })
    };
    parts(letters).into_iter().enumerate().map(item).collect()
}

/// The key of the first item of these dead letters. Only an attempt of the same request has the same key.
pub fn first_key(push: &Push, at: Stamp, now: Timestamp) -> DeadLetterKey {
    let mut hasher = Sha256::new();
    // A batch without an id may be sent again while HEAD, and so `at`, stays the same. Its dead letters are
    // new ones and must not reopen the closed ones.
    hasher.update(now.0.to_le_bytes());
    hasher.update(push.device.as_str());
    hasher.update(push.batch.as_ref().map_or("", |batch| batch.as_str()));
    hasher.update(push.hash.sent);
    let batch = hex::encode(hasher.finalize().get(..KEY_HASH_BYTES).unwrap_or_default());
    DeadLetterKey { at, batch, part: 0 }
}

/// Splits `letters` into parts that fit one item each.
pub(crate) fn parts(letters: &[DeadLetter]) -> Vec<Vec<&DeadLetter>> {
    let mut parts: Vec<Vec<&DeadLetter>> = Vec::new();
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
    parts
}

/// The open dead letters of an item.
pub fn letters(item: &DeadLetterItem) -> Result<Vec<DeadLetter>, LogError> {
    let mut letters: Vec<DeadLetter> = decompress(&item.body)?;
    letters.retain(|letter| item.open.contains(&letter.index));
    Ok(letters)
}

/// An item of dead letters as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeadLettersEntry {
    /// It can be read.
    Stored(StoredDeadLetters),
    /// It is damaged; its key can still be read.
    Damaged(DeadLetterKey),
}

/// A stored item with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDeadLetters {
    /// The dead letters.
    pub item: DeadLetterItem,
    /// The device that sent them.
    pub device: DeviceId,
    /// The id of their batch, if it had one.
    pub batch: Option<BatchId>,
    /// When they were rejected.
    pub received_at: Timestamp,
}

/// Dead letters of one stored item that were neither replayed nor discarded, and are closed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenDeadLetters {
    /// The key of the item.
    pub key: DeadLetterKey,
    /// The device that sent them.
    pub device: DeviceId,
    /// The indexes of all open dead letters of the item when it was read.
    pub open: Vec<usize>,
    /// Those that are closed.
    pub letters: Vec<DeadLetter>,
}

impl StoredDeadLetters {
    /// The open dead letters of this item for which `is_asked` is true; `None` if there are none.
    pub fn open(&self, is_asked: impl Fn(&DeadLetter) -> bool) -> Result<Option<OpenDeadLetters>, LogError> {
        let mut letters = letters(&self.item)?;
        letters.retain(is_asked);
        let (key, device, open) = (self.item.key.clone(), self.device.clone(), self.item.open.clone());
        Ok((!letters.is_empty()).then_some(OpenDeadLetters { key, device, open, letters }))
    }
}

impl OpenDeadLetters {
    /// Each dead letter with its id.
    pub fn iter(&self) -> impl Iterator<Item = (DeadLetterId, &DeadLetter)> {
        let id = |index| DeadLetterId { key: self.key.clone(), index };
        self.letters.iter().map(move |letter| (id(letter.index), letter))
    }

    /// Whether no open dead letter is left in the item, so that it can be deleted.
    pub fn are_last(&self) -> bool {
        self.letters.len() == self.open.len()
    }
}

#[cfg(test)]
mod tests;
