//! What is to become of one write, in view of the copy that the server has.

use super::Batch;
use super::edit::{Edit, Edited, Settle, has_delta};
use crate::policy::last_writer_wins::{Side, winner};
use crate::policy::{Policy, Winner, client_wins, manual, server_wins};
use crate::push::Write;
use crate::record::Record;
use crate::tables::Table;
use protocol::json::JsonText;
use protocol::limits::CLOCK_AHEAD_MICROS_MAX;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::{ConflictReason, Flag, Rejection, RejectionCode};

/// What to do with one write.
pub(super) enum Verdict {
    /// Write it, or a part of it.
    Apply(Step),
    /// Nothing: the server holds it.
    Held,
    /// Keep the server's copy.
    Conflict(ConflictReason),
    /// Put it with the dead letters.
    Reject(Rejection),
}

/// A write that is applied.
pub(super) struct Step {
    /// What the record holds then.
    pub(super) data: JsonText,
    /// The members that changed, sums and states aside.
    pub(super) touched: Vec<String>,
    /// When it was written; none, if only sums and states changed.
    pub(super) modified_at: Option<Timestamp>,
    /// What is to be said of it.
    pub(super) flags: Vec<Flag>,
    /// Why a part of it was not taken.
    pub(super) conflict: Option<ConflictReason>,
}

impl Step {
    fn of(edited: Edited, modified_at: Option<Timestamp>) -> Step {
        let Edited { data, touched, flags, conflict, .. } = edited;
        Step { data, touched, modified_at, flags, conflict }
    }
}

impl From<Result<Verdict, Rejection>> for Verdict {
    fn from(result: Result<Verdict, Rejection>) -> Verdict {
        result.unwrap_or_else(Verdict::Reject)
    }
}

impl Batch<'_> {
    pub(super) fn verdict(&self, table: &Table, current: Option<&Record>, write: &Write) -> Verdict {
        let (at, clamped) = match self.believed(table, write) {
            Ok(believed) => believed,
            Err(rejection) => return Verdict::Reject(rejection),
        };
        let edit = Edit { table, write, named: self.push.batch.is_some() };
        let mut verdict = match current {
            None => self.create(&edit, at).into(),
            Some(server) if server.deleted => over_tombstone(&edit, server, at).into(),
            Some(server) if table.policy == Policy::AppendOnly => over_row(&edit, server).into(),
            Some(server) => self.over_live(&edit, server, at).into(),
        };
        if let Verdict::Apply(step) = &mut verdict {
            step.flags.extend(clamped.then_some(Flag::ClockClamped));
        }
        verdict
    }

    /// The time of a write as far as we believe it, and whether it was taken for ours.
    fn believed(&self, table: &Table, write: &Write) -> Result<(Timestamp, bool), Rejection> {
        if write.at.0 <= self.now.0.saturating_add(CLOCK_AHEAD_MICROS_MAX) {
            return Ok((write.at, false));
        }
        // Where time decides nothing, a sale is not lost to a clock.
        if table.policy == Policy::AppendOnly || write.data.as_ref().is_some_and(has_delta) {
            return Ok((self.now, true));
        }
        let now = self.now;
        let message =
            format!("`local_updated_at` is ahead of the server's clock, {now}; set the till's clock.");
        Err(RejectionCode::ClockAhead.because(message))
    }

    fn create(&self, edit: &Edit<'_>, at: Timestamp) -> Result<Verdict, Rejection> {
        let (write, append_only) = (edit.write, edit.table.policy == Policy::AppendOnly);
        if append_only && write.deleted {
            return Err(RejectionCode::AppendOnly.because("Rows of this table are never deleted."));
        }
        // A version of something the server does not have is no create: it was purged, or never was.
        if write.base.is_some_and(|base| base > 0) && !append_only {
            return Ok(Verdict::Conflict(ConflictReason::DeletedOnServer));
        }
        let remembered =
            self.now.0.saturating_sub(self.rules.retention.tombstone_secs().saturating_mul(1_000_000));
        if write.base.is_none() && at.0 < remembered && !append_only {
            let message = "The write is older than deletions are remembered, so the record may have been deleted; \
                           create it anew with `base_version` 0.";
            return Err(RejectionCode::TooOld.because(message));
        }
        Ok(Verdict::Apply(Step::of(edit.create()?, Some(at))))
    }

    fn over_live(&self, edit: &Edit<'_>, server: &Record, at: Timestamp) -> Result<Verdict, Rejection> {
        let write = edit.write;
        if self.holds(edit, server, at) {
            return Ok(Verdict::Held);
        }
        let current =
            write.base.is_some_and(|base| base == server.version || self.follows_own_step(base, write));
        let settle = match write.base {
            _ if current => Settle::Incoming,
            Some(0) => return Ok(Verdict::Conflict(ConflictReason::AlreadyExists)),
            None if server.modified_at <= at || server.device == *self.device() => Settle::Incoming,
            _ => self.concurrent(edit, server, at),
        };
        // A till whose clock was set back still writes after itself.
        let modified_at = at.max(Timestamp(server.modified_at.0.saturating_add(u64::from(current))));
        if write.deleted {
            return Ok(delete(edit, server, &settle, modified_at));
        }
        let edited = edit.update(server, &settle)?;
        let changes = edited.data != server.data || edited.special;
        Ok(match edited.conflict {
            Some(reason) if !changes => Verdict::Conflict(reason),
            None if !changes && !edited.asks_rest => Verdict::Held,
            _ => {
                let rest = edited.asks_rest && (edited.conflict.is_none() || !edited.touched.is_empty());
                Verdict::Apply(Step::of(edited, rest.then_some(modified_at)))
            }
        })
    }

    /// Who wins where a write and the server's copy do not know of each other.
    fn concurrent<'a>(&'a self, edit: &Edit<'_>, server: &'a Record, at: Timestamp) -> Settle<'a> {
        let sides = (
            Side { modified_at: server.modified_at, device: &server.device },
            Side { modified_at: at, device: self.device() },
        );
        let settled = |winner, reason| match winner {
            Winner::Incoming => Settle::Incoming,
            Winner::Server => Settle::Server(reason),
        };
        match (edit.table.policy, edit.write.base) {
            (Policy::FieldMerge, Some(base)) => {
                let versions = server.fields.known(server.version);
                Settle::Each { versions, base, server: sides.0, incoming: sides.1 }
            }
            (Policy::LastWriterWins | Policy::FieldMerge | Policy::AppendOnly, _) => {
                settled(winner(sides.0, sides.1), ConflictReason::NewerOnServer)
            }
            (Policy::ServerWins, _) => settled(server_wins::winner(), ConflictReason::ServerWins),
            (Policy::ClientWins, _) => settled(client_wins::winner(), ConflictReason::NewerOnServer),
            (Policy::Manual, _) => settled(manual::winner(), ConflictReason::Manual),
        }
    }

    /// Whether `write` is a replay of what the server holds. A delta never is: its batch's marker knows.
    fn holds(&self, edit: &Edit<'_>, server: &Record, at: Timestamp) -> bool {
        let write = edit.write;
        let from_here = match write.base {
            Some(base) => base == 0 || server.version == base.saturating_add(1),
            // A till whose clock was set back finds its own later time.
            None => server.modified_at >= at,
        };
        let same = !write.deleted && server.device == *self.device();
        same && from_here
            && edit
                .update(server, &Settle::Incoming)
                .is_ok_and(|edited| !edited.special && edited.data == server.data)
    }

    /// Whether the record was written by this very batch, from the same version: two edits made offline, of which
    /// the second could not know what the first would become.
    fn follows_own_step(&self, base: u64, write: &Write) -> bool {
        let read = self.snapshot.records.get(&write.key);
        // The till's create and its edits of it, all made before it heard of a version.
        let created = base == 0 && read.is_none_or(|record| record.deleted);
        self.steps.contains_key(&write.key) && (created || read.is_some_and(|record| record.version == base))
    }
}

/// A tombstone gives way only to a write that says it knows: by `base_version` 0 or the tombstone's own.
fn over_tombstone(edit: &Edit<'_>, server: &Record, at: Timestamp) -> Result<Verdict, Rejection> {
    let write = edit.write;
    if write.deleted {
        return Ok(Verdict::Held);
    }
    if write.base != Some(0) && write.base != Some(server.version) {
        return Ok(Verdict::Conflict(ConflictReason::DeletedOnServer));
    }
    let at = at.max(Timestamp(server.modified_at.0.saturating_add(1)));
    Ok(Verdict::Apply(Step::of(edit.create()?, Some(at))))
}

/// A row of an append-only table only moves its states.
fn over_row(edit: &Edit<'_>, server: &Record) -> Result<Verdict, Rejection> {
    Ok(match edit.move_row(server)? {
        None => Verdict::Held,
        Some(data) => {
            let (touched, flags) = (Vec::new(), Vec::new());
            Verdict::Apply(Step { data, touched, modified_at: None, flags, conflict: None })
        }
    })
}

/// A delete touches every member, so it wins all of them or none.
fn delete(edit: &Edit<'_>, server: &Record, settle: &Settle<'_>, modified_at: Timestamp) -> Verdict {
    match settle {
        Settle::Server(reason) => Verdict::Conflict(*reason),
        Settle::Each { .. } => Verdict::Conflict(ConflictReason::FieldsConflict),
        Settle::Incoming => {
            let sent = edit.write.data.as_ref().filter(|_| !edit.table.has_special());
            let data = sent.unwrap_or(&server.data).clone();
            let (touched, flags) = (Vec::new(), Vec::new());
            Verdict::Apply(Step { data, touched, modified_at: Some(modified_at), flags, conflict: None })
        }
    }
}
