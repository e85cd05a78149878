//! Dead letters as they are filed: a stored item, with who sent what is in it.

use super::{DeadItem, Letter, LetterId, letters};
use crate::log::LogError;
use protocol::ids::{BatchId, DeviceId};
use protocol::timestamp::Timestamp;

/// An item of dead letters as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The letters.
    pub item: DeadItem,
    /// Who sent them.
    pub device: DeviceId,
    /// The batch they were in, if that had a name.
    pub batch: Option<BatchId>,
    /// When they were rejected.
    pub received_at: Timestamp,
}

/// A letter that nobody has dealt with yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLetter {
    /// Its name.
    pub id: LetterId,
    /// Who sent it.
    pub device: DeviceId,
    /// What is in it.
    pub letter: Letter,
    /// The letters of its item that were open when it was read, itself included.
    pub open: Vec<usize>,
}

impl Filed {
    /// The letter `id` of this item, if it is still open.
    pub fn open(&self, id: &LetterId) -> Result<Option<OpenLetter>, LogError> {
        let found = letters(&self.item)?.into_iter().find(|letter| letter.index == id.index);
        Ok(found.map(|letter| OpenLetter {
            id: id.clone(),
            device: self.device.clone(),
            letter,
            open: self.item.open.clone(),
        }))
    }
}

impl OpenLetter {
    /// Whether its item is of no more use without it.
    pub fn is_last(&self) -> bool {
        self.open == [self.id.index]
    }
}
