//! Keys of stored dead letters, ids of dead letters, and the batch ids that replay them.

use std::fmt;
use std::str::FromStr;

use protocol::ids::{BadId, BatchId};
use protocol::stamp::Stamp;

/// Begins the id of every batch that replays a dead letter.
const REPLAY_PREFIX: &str = "dead:";

/// The key of a stored item: time, batch, part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadLetterKey {
    /// The first stamp of the commit, also if it had no changes.
    pub at: Stamp,
    /// The first 8 bytes of a hash of the batch, in hexadecimal; separates batches with the same stamp.
    pub batch: String,
    /// The number of the item among those of its batch.
    pub part: usize,
}

/// The id of a dead letter on the wire: `<stamp>.<batch>.<part>.<index>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterId {
    /// The item it is stored in.
    pub key: DeadLetterKey,
    /// The record's place in its batch.
    pub index: usize,
}

/// Bytes of the batch's hash in a key.
pub(crate) const KEY_HASH_BYTES: usize = 8;

impl DeadLetterId {
    /// The id of the batch that replays this dead letter. A named batch lets the replay carry deltas.
    pub fn replay_batch(&self) -> Result<BatchId, BadId> {
        format!("{REPLAY_PREFIX}{self}").parse()
    }
}

impl DeadLetterKey {
    /// What the keys of all items of this batch begin with.
    pub fn prefix_of_batch(&self) -> String {
        format!("{:016}.{}.", self.at.0, self.batch)
    }
}

/// Whether `batch` names the replay of a dead letter; devices may not use such an id.
pub fn is_replay(batch: &BatchId) -> bool {
    batch.as_str().starts_with(REPLAY_PREFIX)
}

impl fmt::Display for DeadLetterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix_of_batch(), self.part)
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key, self.index)
    }
}

/// Not the id of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the dead letter's id: use one from an answer of this server")]
pub struct NotADeadLetterId;

impl FromStr for DeadLetterKey {
    type Err = NotADeadLetterId;

    fn from_str(text: &str) -> Result<DeadLetterKey, NotADeadLetterId> {
        let parts: Vec<&str> = text.split('.').collect();
        let [at, batch, part] = parts.as_slice() else { return Err(NotADeadLetterId) };
        let hex = batch.len() == 2 * KEY_HASH_BYTES
            && batch.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let key = DeadLetterKey {
            at: Stamp(at.parse().map_err(|_| NotADeadLetterId)?),
            batch: (*batch).to_owned(),
            part: part.parse().map_err(|_| NotADeadLetterId)?,
        };
        // Every key has one text.
        if hex && key.to_string() == text { Ok(key) } else { Err(NotADeadLetterId) }
    }
}

impl FromStr for DeadLetterId {
    type Err = NotADeadLetterId;

    fn from_str(text: &str) -> Result<DeadLetterId, NotADeadLetterId> {
        let (key, index) = text.rsplit_once('.').ok_or(NotADeadLetterId)?;
        let id = DeadLetterId { key: key.parse()?, index: index.parse().map_err(|_| NotADeadLetterId)? };
        if id.to_string() == text { Ok(id) } else { Err(NotADeadLetterId) }
    }
}
