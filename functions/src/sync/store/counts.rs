//! The counts of a room: open dead letters, and conflicts.
//!
//! A commit that changes them writes them in its transaction, on the condition that nothing has changed them
//! since they were read. So they are exact under races and retries, and no branch gets more dead letters than
//! it may keep. Only such a commit reads them.

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use sync::counts::{CountsChange, RoomCounts};
use sync::dead_letters::first_key;
use sync::decide::commit::{CommitPlan, Decided};

use super::Store;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_text, get, key};
use crate::dynamo::table::{Condition, Table};
use crate::sync::items::counts::{COUNTS, COUNTS_REVISION, from_room_counts, to_room_counts};
use crate::sync::keys;

/// The counts of a room as they were read.
#[derive(Clone, Debug, Default)]
pub struct StoredCounts {
    /// The counts.
    pub counts: RoomCounts,
    revision: u64,
    /// `None` before the first change.
    item: Option<Item>,
}

/// What a commit does to the counts of its room.
#[derive(Clone, Debug)]
pub enum Counting {
    /// It leaves them as they are.
    Unchanged,
    /// It changes the counts that were read.
    Change(StoredCounts, CountsChange),
    /// An earlier attempt of the same request has committed, and its response was lost.
    Committed,
}

impl Counting {
    /// The open dead letters after a commit that adds some.
    pub fn dead_letters(&self) -> u64 {
        match self {
            Counting::Change(stored, change) if change.opened > 0 => {
                stored.counts.after(*change).dead_letters
            }
            _ => 0,
        }
    }
}

impl Store {
    /// Reads what `commit` changes in the counts of its room.
    pub async fn counting(
        &self,
        commit: &CommitPlan<'_>,
        now: Timestamp,
        cost: &mut Cost,
    ) -> Result<Counting, StoreError> {
        let change = CountsChange::of(commit);
        if change.is_none() {
            return Ok(Counting::Unchanged);
        }
        // A batch without an id that only leaves dead letters has no other trace of its commit.
        let with_letters = commit.decided.iter().filter(|Decided { plan, .. }| !plan.dead.is_empty());
        let letters =
            with_letters.map(|Decided { push, plan }| keys::dead(&first_key(push, plan.first, now)));
        let wanted = letters.chain([keys::COUNTS.to_owned()]);
        let mut counts = None;
        for item in self.items(commit.room, wanted, cost).await? {
            if get(&item, "sk", as_text)? != keys::COUNTS {
                return Ok(Counting::Committed);
            }
            counts = Some(item);
        }
        Ok(Counting::Change(stored(counts)?, change))
    }

    /// The counts of `room`, strongly consistent.
    pub async fn counts(&self, room: &Room, cost: &mut Cost) -> Result<StoredCounts, StoreError> {
        let items = self.items(room, [keys::COUNTS.to_owned()], cost).await?;
        stored(items.into_iter().next())
    }

    /// Corrects the number of open dead letters of `room`, which were counted after `seen` was read.
    /// [`StoreError::Lost`] if the counts have changed since.
    pub async fn correct_dead_letters(
        &self,
        room: &Room,
        seen: &StoredCounts,
        dead_letters: u64,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let counts = RoomCounts { dead_letters, ..seen.counts };
        self.table.transact(vec![rewrite(&self.table, room, seen, counts)?], cost).await
    }
}

/// The action that changes the counts of `room`.
pub(super) fn change(
    table: &Table,
    room: &Room,
    stored: &StoredCounts,
    change: CountsChange,
) -> Result<TransactWriteItem, StoreError> {
    rewrite(table, room, stored, stored.counts.after(change))
}

fn rewrite(
    table: &Table,
    room: &Room,
    stored: &StoredCounts,
    counts: RoomCounts,
) -> Result<TransactWriteItem, StoreError> {
    let condition = match &stored.item {
        None => Condition::Absent,
        Some(item) => Condition::unchanged(item, COUNTS_REVISION),
    };
    let key = key(keys::room(room), keys::COUNTS);
    table.rewrite(key, &COUNTS, from_room_counts(counts, stored.revision), condition)
}

fn stored(item: Option<Item>) -> Result<StoredCounts, StoreError> {
    let (counts, revision) = item.as_ref().map(to_room_counts).transpose()?.unwrap_or_default();
    Ok(StoredCounts { counts, revision, item })
}
