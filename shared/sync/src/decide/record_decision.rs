//! Decides one write against the stored record.

use super::Batch;
use super::believed_time::BelievedTime;
use super::edit::{Edit, Edited, Settle};
use super::forgotten::AppliedBefore;
use crate::policy::Policy;
use crate::push::{RECORD_ID_RULE, Write};
use crate::record::Record;
use crate::tables::Table;
use protocol::record::{RecordKey, is_addressable};
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::{ConflictReason, Flag, Rejection, RejectionCode};

/// The decision on one write.
pub(super) enum RecordDecision {
    /// Apply it, or a part of it.
    Apply {
        /// The effect on the record.
        edited: Edited,
        /// The time of the write; `None` if only sums and states change.
        modified_at: Option<Timestamp>,
    },
    /// The server has it already: write nothing.
    AlreadyApplied,
    /// Keep the server's copy.
    Conflict(ConflictReason),
    /// Keep the write as a dead letter.
    Reject(Rejection),
}

impl Batch<'_> {
    pub(super) fn decide_record(
        &self,
        table: &Table,
        current: Option<&Record>,
        write: &Write,
    ) -> RecordDecision {
        let time = self.believed_time(write);
        let edit = Edit { table, write, named: self.push.batch.is_some() };
        let decided = match current {
            None => self.create(&edit, time),
            Some(server) if server.deleted => over_tombstone(&edit, server, time.at),
            Some(server) if table.policy == Policy::AppendOnly => self.over_row(&edit, server),
            Some(server) => self.over_live(&edit, server, time),
        };
        let mut decision = decided.unwrap_or_else(RecordDecision::Reject);
        if let RecordDecision::Apply { edited, .. } = &mut decision {
            edited.flags.extend(time.clamped.then_some(Flag::ClockClamped));
            // A row is its own marker, and a current version is one that the batch has not raised yet.
            let is_new = table.policy == Policy::AppendOnly
                || current.is_some_and(|server| self.is_current(write, server));
            match self.applied_before {
                AppliedBefore::Yes if !is_new => return RecordDecision::AlreadyApplied,
                AppliedBefore::Unknown if !is_new => {
                    return RecordDecision::Reject(too_old_to_tell(self.push.atomic));
                }
                AppliedBefore::Untold if edited.adds && !is_new && self.had(&write.key, current) => {
                    return RecordDecision::Reject(undated_delta());
                }
                _ => {}
            }
        }
        decision
    }

    /// Whether `current` is a record that was there before this batch.
    fn had(&self, key: &RecordKey, current: Option<&Record>) -> bool {
        let is_live = |record: &Record| !record.deleted;
        current.is_some_and(is_live) && self.snapshot.records.get(key).is_some_and(is_live)
    }

    fn create(&self, edit: &Edit<'_>, time: BelievedTime) -> Result<RecordDecision, Rejection> {
        let (write, append_only) = (edit.write, edit.table.policy == Policy::AppendOnly);
        if append_only && write.deleted {
            return Err(RejectionCode::AppendOnly.with_message("Rows of this table are never deleted."));
        }
        // Only a delete reaches this with such an id; it would make a record that no URL can hold.
        if !is_addressable(&write.key.id) {
            return Err(RejectionCode::BadRecordId.with_message(RECORD_ID_RULE));
        }
        // A base version of a record that the server does not have: it was purged, or never existed.
        if write.base.is_some_and(|base| base > 0) && !append_only {
            return Ok(RecordDecision::Conflict(ConflictReason::DeletedOnServer));
        }
        if write.base.is_none() && !append_only {
            if time.made_at < self.tombstones_since() || self.may_have_missed_deletion() {
                let message = "The write, or what its device had seen, is older than deletions are remembered, \
                               so the record may have been deleted; create it with `base_version` 0.";
                return Err(RejectionCode::TooOld.with_message(message));
            }
            // Where the later write wins, its time is all that such a write claims, unless its device says
            // what it had seen.
            let by_time = edit.table.policy.is_settled_by_time() && self.believed_base_stamp().is_none();
            if time.ahead && by_time && !write.deleted && !edit.asks_timeless() {
                return Err(self.clock_ahead());
            }
        }
        Ok(RecordDecision::Apply { edited: edit.create()?, modified_at: Some(time.at) })
    }

    fn over_live(
        &self,
        edit: &Edit<'_>,
        server: &Record,
        time: BelievedTime,
    ) -> Result<RecordDecision, Rejection> {
        let write = edit.write;
        if self.holds(edit, server, time) {
            return Ok(RecordDecision::AlreadyApplied);
        }
        let seen = self.seen(write);
        let current =
            self.is_current(write, server) || seen.is_some_and(|seen| seen.is_followed_by(&self.wrote_by));
        let follows = match write.base {
            _ if current => true,
            Some(0) => return Ok(RecordDecision::Conflict(ConflictReason::AlreadyExists)),
            // A time that is not believed does not tell which of two devices was later.
            None if seen.is_none() => {
                server.device == *self.author() || (server.modified_at <= time.at && !time.ahead)
            }
            _ => false,
        };
        let settle = if follows { Settle::Incoming } else { self.concurrent(edit, server, time.at, seen) };
        let wins_by_time =
            !follows && matches!(settle, Settle::Incoming) && edit.table.policy.is_settled_by_time();
        // Keeps `modified_at` increasing if the till's clock was set back.
        let modified_at = time.at.max(Timestamp(server.modified_at.0.saturating_add(u64::from(current))));
        if write.deleted {
            let refused = time.ahead && wins_by_time;
            return if refused {
                Err(self.clock_ahead())
            } else {
                Ok(delete(edit, server, &settle, modified_at))
            };
        }
        let edited = edit.update(server, &settle)?;
        // Deltas and states do not depend on the time, and must not be lost to a wrong clock.
        let is_settled = edited.asks_rest || edited.special;
        if time.ahead && (wins_by_time || edited.by_time) && is_settled && !edited.timeless {
            return Err(self.clock_ahead());
        }
        let changes = edited.data != server.data || edited.special;
        Ok(match edited.conflict {
            Some(reason) if !changes => RecordDecision::Conflict(reason),
            None if !changes && !edited.asks_rest => RecordDecision::AlreadyApplied,
            _ => {
                let rest = edited.asks_rest && (edited.conflict.is_none() || !edited.touched.is_empty());
                RecordDecision::Apply { edited, modified_at: rest.then_some(modified_at) }
            }
        })
    }

    /// An append-only row only changes its states.
    fn over_row(&self, edit: &Edit<'_>, server: &Record) -> Result<RecordDecision, Rejection> {
        let is_late = self.applied_before != AppliedBefore::No;
        if is_late && server.device == *self.author() && edit.write.base == Some(0) && edit.created(server) {
            return Ok(RecordDecision::AlreadyApplied);
        }
        Ok(match edit.move_row(server)? {
            None => RecordDecision::AlreadyApplied,
            Some(data) => RecordDecision::Apply { edited: Edited::of(data), modified_at: None },
        })
    }

    /// Refuses a write that would win by the time of a clock that is ahead.
    fn clock_ahead(&self) -> Rejection {
        let now = self.now;
        let message =
            format!("`local_updated_at` is ahead of the server's clock, {now}; set the till's clock.");
        RejectionCode::ClockAhead.with_message(message)
    }

    /// Whether `write` is a retry of what is stored. Retries of deltas are found by the batch marker instead.
    fn holds(&self, edit: &Edit<'_>, server: &Record, time: BelievedTime) -> bool {
        let write = edit.write;
        let from_here = match write.base {
            Some(base) => {
                let before = server.version.saturating_sub(1);
                base == 0 || base == before || self.knows_of(base, server, before)
            }
            // After the till's clock was set back, the stored time is later.
            None => server.modified_at >= time.at || time.ahead,
        };
        let same = !write.deleted && server.device == *self.author();
        same && from_here
            && edit
                .update(server, &Settle::Incoming)
                .is_ok_and(|edited| !edited.special && edited.data == server.data)
    }
}

/// Only a write with `base_version` 0 or the version of the tombstone may replace a tombstone.
fn over_tombstone(edit: &Edit<'_>, server: &Record, at: Timestamp) -> Result<RecordDecision, Rejection> {
    let write = edit.write;
    if write.deleted {
        return Ok(RecordDecision::AlreadyApplied);
    }
    if write.base != Some(0) && write.base != Some(server.version) {
        return Ok(RecordDecision::Conflict(ConflictReason::DeletedOnServer));
    }
    let at = at.max(Timestamp(server.modified_at.0.saturating_add(1)));
    Ok(RecordDecision::Apply { edited: edit.create()?, modified_at: Some(at) })
}

/// The rejection of a write that may have been applied before, in a batch whose marker may be gone.
fn too_old_to_tell(is_atomic: bool) -> Rejection {
    // An atomic batch leaves no dead letters: its parts must not be replayed one by one.
    let remedy = match is_atomic {
        true => "nothing of it is applied now; check, then send it again as a batch of today, or drop it.",
        false => "check, then replay this record or discard it.",
    };
    RejectionCode::TooOld.with_message(format!(
        "The batch is older than batches are remembered, so it may have been applied already; {remedy}"
    ))
}

/// The rejection of a delta that a retry might add again when the marker of its batch is gone.
fn undated_delta() -> Rejection {
    let message = "No record of the batch has `local_updated_at`, so a late retry could add the delta again: \
                   send the time, or the current `base_version`.";
    RejectionCode::UndatedDelta.with_message(message)
}

/// A delete touches every member, so it wins all of them or none.
fn delete(edit: &Edit<'_>, server: &Record, settle: &Settle<'_>, modified_at: Timestamp) -> RecordDecision {
    match settle {
        Settle::Server(reason) => RecordDecision::Conflict(*reason),
        Settle::Each { .. } => RecordDecision::Conflict(ConflictReason::FieldsConflict),
        Settle::Incoming => {
            let sent = edit.write.data.as_ref().filter(|_| !edit.table.has_special());
            let data = sent.unwrap_or(&server.data).clone();
            RecordDecision::Apply { edited: Edited::of(data), modified_at: Some(modified_at) }
        }
    }
}
