//! Whether a write is concurrent to the stored record, and who wins then.

use super::Batch;
use super::base_stamp::Seen;
use super::edit::{Edit, Settle};
use crate::policy::last_writer_wins::{Side, winner};
use crate::policy::{Policy, Winner};
use crate::push::Write;
use crate::record::Record;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::ConflictReason;

impl Batch<'_> {
    /// Whether the write starts from the stored version, or from an earlier write of this batch or of this
    /// device's batches.
    pub(super) fn is_current(&self, write: &Write, server: &Record) -> bool {
        write.base.is_some_and(|base| {
            base == server.version
                || self.follows_own_step(base, write)
                || self.counts_own_steps(base, write, server)
                || self.knows_of(base, server, server.version)
        })
    }

    /// Whether `base` is the version of a record that this batch made, counted from 1 as some tills do.
    fn counts_own_steps(&self, base: u64, write: &Write, server: &Record) -> bool {
        let is_new = !self.snapshot.records.contains_key(&write.key);
        let first = self.changes.iter().find(|change| change.key == write.key).filter(|_| is_new);
        first.is_some_and(|first| server.version.saturating_sub(first.version).saturating_add(1) == base)
    }

    /// Whether nothing but earlier batches of the device wrote the versions of the record after `base`, up to
    /// `last`: the device edited it again before it knew the version that its first edit made.
    pub(super) fn knows_of(&self, base: u64, server: &Record, last: u64) -> bool {
        base < last && server.authors.are_own(base, last, &self.wrote_by)
    }

    /// Whether this batch wrote the record from the same base before: several offline edits, of which only
    /// the first can know the current version.
    fn follows_own_step(&self, base: u64, write: &Write) -> bool {
        let read = self.snapshot.records.get(&write.key);
        // A create and edits of it, made before the till knew any version.
        let created = base == 0 && read.is_none_or(|record| record.deleted);
        self.steps.contains_key(&write.key) && (created || read.is_some_and(|record| record.version == base))
    }

    /// Settles a write that is concurrent to the stored record.
    pub(super) fn concurrent<'a>(
        &'a self,
        edit: &Edit<'_>,
        server: &'a Record,
        at: Timestamp,
        seen: Option<Seen<'a>>,
    ) -> Settle<'a> {
        // Earlier writes of the same batch are no other side.
        let other = seen.and_then(Seen::read).unwrap_or(server);
        let sides = (
            Side { modified_at: other.modified_at, device: &other.device },
            Side { modified_at: at, device: self.author() },
        );
        match (edit.table.policy, edit.write.base, seen) {
            // No till can have seen that version of this record, so nothing says what the write would undo.
            (_, Some(base), _) if base > server.version => Settle::Server(ConflictReason::UnknownVersion),
            (_, _, Some(Seen::Beyond)) => Settle::Server(ConflictReason::UnknownVersion),
            (Policy::FieldMerge, Some(base), _) => {
                let versions = server.fields.known(server.version);
                let knows_since = server.authors.are_own(base, versions.since, &self.wrote_by);
                let versions =
                    versions.seen(knows_since, |version| server.authors.is_own(version, &self.wrote_by));
                Settle::Each { versions, base, server: sides.0, incoming: sides.1 }
            }
            (Policy::FieldMerge, None, Some(seen)) => {
                let versions = server.fields.known(server.version);
                let knows_since = seen.knows_all(versions.since, &self.wrote_by);
                let versions = versions.seen(knows_since, |version| seen.knows(version, &self.wrote_by));
                Settle::Each { versions, base: seen.base(), server: sides.0, incoming: sides.1 }
            }
            (Policy::LastWriterWins | Policy::FieldMerge | Policy::AppendOnly, ..) => {
                match winner(sides.0, sides.1) {
                    Winner::Incoming => Settle::Incoming,
                    Winner::Server => Settle::Server(ConflictReason::NewerOnServer),
                }
            }
            (Policy::ServerWins, ..) => Settle::Server(ConflictReason::ServerWins),
            (Policy::ClientWins, ..) => Settle::Incoming,
            (Policy::Manual, ..) => Settle::Server(ConflictReason::Manual),
        }
    }
}
