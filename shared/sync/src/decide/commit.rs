//! Plans that are ready for the store: of one push, or of several that are committed together.

use std::collections::BTreeMap;

use super::{Check, Expected, Plan};
use crate::dead_letters::{self, DeadLetter, OpenDeadLetters};
use crate::limits::{COMMIT_ACTIONS_MAX, COMMIT_BYTES_MAX};
use crate::log;
use crate::push::Push;
use crate::record::Record;
use crate::snapshot::Head;
use crate::tables::Tables;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::Room;
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::wire::error_response::TooLargeDetails;
use protocol::wire::publication::Publication;

/// Plans that fit one transaction, with their publications.
#[derive(Debug)]
pub struct CommitPlan<'a> {
    /// The room to write to.
    pub room: &'a Room,
    /// The stamp that HEAD must still have.
    pub prev: Stamp,
    /// The room's HEAD after the commit, except `log_items`, which the store counts.
    pub head: &'a Head,
    /// What the commit writes to records, and what it checks.
    pub writes: RecordWrites<'a>,
    /// The pushes in commit order, each decided on what the ones before it leave.
    pub decided: Vec<Decided<'a>>,
    /// The dead letters that this commit closes.
    pub closes: &'a [OpenDeadLetters],
    publications: Vec<Publication>,
}

/// A push with its decision.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// The push that was decided.
    pub push: &'a Push,
    /// The decision.
    pub plan: &'a Plan,
}

impl<'a> CommitPlan<'a> {
    /// The commit of one push; [`ErrorCode::BatchTooLarge`] if it does not fit a transaction.
    pub fn new(
        tables: &Tables,
        room: &'a Room,
        push: &'a Push,
        plan: &'a Plan,
        closes: &'a [OpenDeadLetters],
    ) -> Result<CommitPlan<'a>, ApiError> {
        let writes = RecordWrites::of([plan]);
        let bytes = bytes(&writes, &[plan]);
        if bytes > COMMIT_BYTES_MAX {
            let message =
                "The batch writes more than fits one transaction; send its records in smaller batches.";
            let details = TooLargeDetails::bytes(COMMIT_BYTES_MAX, Some(bytes));
            return Err(ApiError::too_large(ErrorCode::BatchTooLarge, message, details));
        }
        // The room skips the publishing device. A replay is published under its batch id, because the device
        // that sent the dead letter does not know of the replay and must receive it.
        let replay =
            push.batch.as_ref().filter(|_| !closes.is_empty()).and_then(|batch| batch.as_str().parse().ok());
        let author = push.author();
        let device = replay.as_ref().unwrap_or(author.as_ref());
        let publications = log::publications(tables, room, plan.prev, device, &plan.changes);
        let decided = vec![Decided { push, plan }];
        Ok(CommitPlan { room, prev: plan.prev, head: &plan.head, writes, decided, closes, publications })
    }

    /// The commit of several pushes, which [`super::group::Group`] has decided; `None` without pushes.
    pub(super) fn of_group(
        tables: &Tables,
        room: &'a Room,
        decided: Vec<Decided<'a>>,
    ) -> Option<CommitPlan<'a>> {
        let first = decided.first()?.plan;
        // A push that changes nothing leaves HEAD alone.
        let writes_head = |decided: &&Decided<'a>| !decided.plan.changes.is_empty();
        let last = decided.iter().rev().find(writes_head).map_or(first, |decided| decided.plan);
        let writes = RecordWrites::of(decided.iter().map(|decided| decided.plan));
        let publications = decided.iter().flat_map(|Decided { push, plan }| {
            log::publications(tables, room, plan.prev, &push.author(), &plan.changes)
        });
        let publications = publications.collect();
        let (prev, head) = (first.prev, &last.head);
        Some(CommitPlan { room, prev, head, writes, decided, closes: &[], publications })
    }

    /// The changes in commit order, one publication per log item; empty if nothing is written.
    pub fn publications(&self) -> &[Publication] {
        &self.publications
    }

    /// The same as [`CommitPlan::publications`], owned.
    pub fn into_publications(self) -> Vec<Publication> {
        self.publications
    }
}

/// What one or several plans do to records: each record is written or checked once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordWrites<'a> {
    /// The records to write.
    pub puts: BTreeMap<&'a RecordKey, RecordPut<'a>>,
    /// What must still be stored under the keys that are only read.
    pub checks: BTreeMap<&'a RecordKey, Expected>,
}

/// A record to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPut<'a> {
    /// The record after its last write.
    pub record: &'a Record,
    /// What must be stored before its first write.
    pub expected: Expected,
}

impl<'a> RecordWrites<'a> {
    /// What `plans` write in this order.
    pub(super) fn of(plans: impl IntoIterator<Item = &'a Plan>) -> RecordWrites<'a> {
        let mut writes = RecordWrites::default();
        for plan in plans {
            for Check { key, expected } in &plan.checks {
                // A later plan read what an earlier one leaves, which is not what is stored now.
                if !writes.puts.contains_key(key) {
                    writes.checks.insert(key, *expected);
                }
            }
            for put in &plan.puts {
                writes.checks.remove(&put.key);
                let expected = put.expected.map_or(Expected::Absent, Expected::Version);
                let written = RecordPut { record: &put.record, expected };
                writes.puts.entry(&put.key).or_insert(written).record = &put.record;
            }
        }
        writes
    }
}

/// Whether the commit of several pushes fits one transaction.
pub(super) fn fits(decided: &[Decided<'_>]) -> bool {
    let plans: Vec<&Plan> = decided.iter().map(|decided| decided.plan).collect();
    let writes = RecordWrites::of(plans.iter().copied());
    // HEAD, the branch's entry and the counts; of each push the marker, the numbers of its device, the log
    // items and the items of dead letters.
    let of_push = |plan: &&Plan| {
        let device = usize::from(plan.device.is_some());
        1 + device + log::items_of(&plan.changes) + dead_letters::parts(&plan.dead).len()
    };
    let actions = writes.puts.len() + writes.checks.len() + 3 + plans.iter().map(of_push).sum::<usize>();
    actions <= COMMIT_ACTIONS_MAX && bytes(&writes, &plans) <= COMMIT_BYTES_MAX
}

/// Bytes of data that a commit writes: records, log and dead letters.
pub(super) fn bytes(writes: &RecordWrites<'_>, plans: &[&Plan]) -> usize {
    let records = writes.puts.values().map(|put| put.record.data.as_str().len() + put.record.fields.bytes());
    let changes = plans.iter().flat_map(|plan| &plan.changes);
    let log = changes.map(|change| change.data.as_str().len());
    let dead = plans.iter().flat_map(|plan| &plan.dead).map(DeadLetter::stored_bytes);
    records.chain(log).chain(dead).sum()
}
