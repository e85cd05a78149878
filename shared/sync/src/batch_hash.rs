//! What makes two batches of one id the same batch.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use protocol::json::value::JsonValue;

/// The member that is no part of a batch's identity: a client without a clock may date each attempt.
const NOT_COMPARED: &str = "local_updated_at";

/// The hashes of a batch; they distinguish a retry from another batch with the same id.
///
/// Releases before the second hash compare the first one alone, so both are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHash {
    /// SHA-256 over the records as they were sent.
    pub sent: [u8; 32],
    /// SHA-256 over what they say, whatever their spelling and times; `None` in markers from before it was
    /// stored, and for requests that have no such freedom.
    pub meaning: Option<[u8; 32]>,
}

impl BatchHash {
    /// The hashes of `records`.
    pub(crate) fn of(atomic: bool, records: &[&RawValue]) -> BatchHash {
        let (mut sent, mut meaning) = (Sha256::new(), Sha256::new());
        for hasher in [&mut sent, &mut meaning] {
            hasher.update([u8::from(atomic)]);
        }
        for record in records {
            let text = record.get();
            add(&mut sent, text);
            match JsonValue::from(*record).canonical(NOT_COMPARED) {
                Some(canonical) => add(&mut meaning, &canonical),
                None => add(&mut meaning, text),
            }
        }
        BatchHash { sent: sent.finalize().into(), meaning: Some(meaning.finalize().into()) }
    }

    /// The hash of a request that is the same only if it is the same byte by byte.
    pub(crate) fn exact(sent: [u8; 32]) -> BatchHash {
        BatchHash { sent, meaning: None }
    }

    /// Whether both are of the same batch.
    pub fn is_same(&self, other: &BatchHash) -> bool {
        self.sent == other.sent || (self.meaning.is_some() && self.meaning == other.meaning)
    }
}

/// Adds a text. Length prefixes keep two different lists from having the same bytes.
fn add(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}
