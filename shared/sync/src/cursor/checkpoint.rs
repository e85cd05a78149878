//! Positions that the server keeps, because a cursor cannot hold those of all branches of a large client.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use protocol::limits::HEAD_OFFICE_BRANCHES_MAX;
use sha2::{Digest, Sha256};

use super::vector::Positions;
use super::vector::bytes::{put_positions, take_positions};

const ID_BYTES: usize = 16;

/// The name of a checkpoint: the first 16 bytes of the SHA-256 of its bytes. The same positions have the same
/// name, so a page that is requested again stores nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckpointId([u8; ID_BYTES]);

/// The positions of all branches at one moment. A cursor names the checkpoint and what has changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The name.
    pub id: CheckpointId,
    /// The positions.
    pub positions: Positions,
}

/// A text that names no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the name of a checkpoint")]
pub struct NotACheckpoint;

impl CheckpointId {
    /// Characters of the name.
    pub const CHARS: usize = (ID_BYTES * 4).div_ceil(3);

    fn of(bytes: &[u8]) -> CheckpointId {
        let mut id = [0; ID_BYTES];
        id.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
        CheckpointId(id)
    }
}

impl Checkpoint {
    /// The checkpoint of `positions`, and its bytes: 13 per branch.
    pub fn new(positions: Positions) -> (Checkpoint, Vec<u8>) {
        let mut bytes = Vec::new();
        put_positions(&mut bytes, positions.iter().map(|(tag, position)| (*tag, *position)));
        (Checkpoint { id: CheckpointId::of(&bytes), positions }, bytes)
    }

    /// Reads the bytes of the checkpoint `id`; `None` for any others.
    pub fn read(id: CheckpointId, bytes: &[u8]) -> Option<Checkpoint> {
        let positions = take_positions(bytes, HEAD_OFFICE_BRANCHES_MAX)?;
        (CheckpointId::of(bytes) == id).then_some(Checkpoint { id, positions })
    }
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for CheckpointId {
    type Err = NotACheckpoint;

    fn from_str(text: &str) -> Result<CheckpointId, NotACheckpoint> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACheckpoint)?;
        bytes.try_into().map(CheckpointId).map_err(|_| NotACheckpoint)
    }
}
