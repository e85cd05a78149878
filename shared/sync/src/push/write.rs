//! A record of a push that can be decided.

use crate::policy::additive::{has_delta, has_set};
use protocol::json::JsonText;
use protocol::record::RecordKey;
use protocol::timestamp::device_time::DeviceTime;

/// A valid write.
#[derive(Clone, Debug)]
pub struct Write {
    /// The record to write.
    pub key: RecordKey,
    /// The new data; `None` only in a delete.
    pub data: Option<JsonText>,
    /// The time of the write by the till's clock, if the till told it.
    pub at: Option<DeviceTime>,
    /// Whether the write deletes the record.
    pub deleted: bool,
    /// The version the till started from; 0 for "I create this".
    pub base: Option<u64>,
    /// The members of `data` that changed; `None` for all.
    pub fields: Option<Vec<String>>,
    /// Whether the caller has the [`REPAIR_ROLE`](crate::policy::REPAIR_ROLE).
    pub may_repair: bool,
}

impl Write {
    /// `stored`, where it differs from what was sent; `None` for a delete.
    pub fn differing(&self, stored: &JsonText) -> Option<JsonText> {
        (!self.deleted && self.data.as_ref() != Some(stored)).then(|| stored.clone())
    }

    /// Whether the stored data is not the one that was sent: the write names members or changes sums.
    pub fn is_partial(&self) -> bool {
        self.fields.is_some() || self.data.as_ref().is_some_and(|data| has_delta(data) || has_set(data))
    }
}
