//! What the room may have forgotten: that it applied a batch, whose marker expires, and that it deleted a
//! record.

use super::Batch;
use super::edit::{Edit, fits};
use crate::device_batches::{DeviceBatches, HeldNumber};
use crate::policy::Policy;
use crate::push::Write;
use protocol::timestamp::Timestamp;

/// Whether a batch was applied before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AppliedBefore {
    /// It was not: its marker would still exist, or the server has none of its append-only rows, or not all
    /// rows of an atomic batch.
    No,
    /// It was: the server has all of its append-only rows.
    Yes,
    /// It was committed, as its number shows. Nothing shows whether a single record was applied, or was in
    /// conflict or rejected then, so nothing of it is decided again.
    Committed,
    /// It is older than the markers of its room, or has a number that the room holds, and its append-only
    /// rows do not show it.
    Unknown,
    /// It tells no time, and its append-only rows do not show that it is new.
    Untold,
}

impl Batch<'_> {
    /// Whether the batch, which has no marker, was applied before.
    ///
    /// A batch is as old as its newest dated record, and of one without any nothing tells how old it is.
    /// Append-only rows are never deleted, so each is a marker of its own batch.
    pub(super) fn applied_before(&self) -> AppliedBefore {
        let named = self.push.batch.is_some();
        let since = self.shortest_retention.batches_since(self.now, named);
        let dated = self.push.writes().filter(|write| write.at.is_some());
        let made = dated.map(|write| self.believed_time(write).made(since, self.now));
        let made = made.max();
        let may_lack = |made| self.shortest_retention.may_lack_batch(made, self.now, named);
        let is_late = made.is_some_and(may_lack);
        let number_is_held = self.held_number() == Some(HeldNumber::MayBeItself);
        if made.is_some() && !is_late && !number_is_held {
            return AppliedBefore::No;
        }
        let rows: Vec<AppliedBefore> =
            self.push.writes().filter_map(|write| self.row_applied_before(write)).collect();
        let first = rows.first().filter(|first| rows.iter().all(|row| row == *first));
        match first {
            // A batch that was never applied has a number of its own. So rows that are missing were rejected
            // then, or the device gave the number to two batches.
            Some(AppliedBefore::Yes) if number_is_held => AppliedBefore::Yes,
            None if number_is_held && rows.is_empty() && is_late => AppliedBefore::Committed,
            _ if number_is_held => AppliedBefore::Unknown,
            // It would have been applied as a whole.
            _ if self.push.atomic && rows.contains(&AppliedBefore::No) => AppliedBefore::No,
            Some(AppliedBefore::No) => AppliedBefore::No,
            _ if made.is_none() => AppliedBefore::Untold,
            _ => first.copied().unwrap_or(AppliedBefore::Unknown),
        }
    }

    /// What the numbers of the device's batches tell of this one; `None` if it has no number that counts, or
    /// if they cannot be read.
    fn held_number(&self) -> Option<HeldNumber> {
        let (batches, seq) = (self.snapshot.devices.get(self.author())?, self.push.counted_seq()?);
        Some(batches.held(seq, self.shortest_retention.batches_since(self.now, true)))
    }

    /// The numbers of the device's batches after the commit of this one; `None` if they stay.
    pub(super) fn device_batches(&self) -> Option<DeviceBatches> {
        let (batches, seq) = (self.snapshot.devices.get(self.author())?, self.push.counted_seq()?);
        batches.after(seq, self.shortest_retention.batches_since(self.now, true), self.now)
    }

    /// Whether a batch with this write was applied before; `None` if the write creates no append-only row.
    fn row_applied_before(&self, write: &Write) -> Option<AppliedBefore> {
        let table = self.rules.tables.get(&write.key.table);
        let table = table.filter(|table| table.policy == Policy::AppendOnly)?;
        if self.snapshot.damaged.contains(&write.key) {
            return Some(AppliedBefore::Unknown);
        }
        let edit = Edit { table, write, named: self.push.batch.is_some() };
        let creates = write.fields.is_none() && write.base.is_none_or(|base| base == 0) && !write.deleted;
        match self.snapshot.records.get(&write.key) {
            // A row that is rejected now was rejected then.
            None => {
                let row = edit.create().ok().filter(|row| fits(&row.data).is_ok() && !write.deleted);
                row.map(|_| AppliedBefore::No)
            }
            Some(_) if !creates => None,
            Some(row) if row.device == *self.author() && edit.created(row) => Some(AppliedBefore::Yes),
            Some(_) => Some(AppliedBefore::Unknown),
        }
    }

    /// The version of a record that the server does not have: above every version that the room ever had if
    /// the record may be one that was deleted and forgotten, so that no old `base_version` looks current.
    pub(super) fn first_version(&self, policy: Policy) -> u64 {
        if policy == Policy::AppendOnly || !self.shortest_retention.may_lack_tombstones(self.now) {
            return 1;
        }
        // Each change raises one version by one, or sets it to this number.
        let changes = self.snapshot.head.as_ref().map_or(0, |head| head.changes);
        changes.saturating_add(self.changes.len() as u64).saturating_add(1)
    }

    /// The time before which a write without `base_version` may be of a record that was deleted and
    /// forgotten.
    pub(super) fn tombstones_since(&self) -> Timestamp {
        self.shortest_retention.tombstones_since(self.now)
    }
}
