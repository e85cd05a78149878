//! The transaction of a commit: HEAD, records, checks, log, marker and dead letters.

use aws_sdk_dynamodb::types::TransactWriteItem;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::decide::commit::{CommitPlan, Decided, RecordWrites};
use sync::decide::{Expected, Plan};
use sync::marker::Marker;
use sync::outcome::Outcome;
use sync::push::Push;
use sync::rules::Retention;
use sync::{dead_letters, log};

use super::Store;
use super::counts::{self, Counting};
use super::dead_letters::close;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, key, number};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::table::{Condition, Table};
use crate::sync::branches::branch_key;
use crate::sync::items::device_batches::{DEVICE, DEVICE_REVISION, from_device_batches};
use crate::sync::items::head_office::CREATED;
use crate::sync::items::{
    DEAD, HEAD, MARKER, MARKER_USER, RECORD, from_dead, from_log, from_marker, from_record, head_update,
};
use crate::sync::keys;

impl Store {
    /// Commits everything or nothing; [`StoreError::Lost`] if an item has changed since it was read.
    ///
    /// A batch without an id that changes nothing and rejects nothing writes nothing.
    pub async fn commit(
        &self,
        commit: &CommitPlan<'_>,
        counting: &Counting,
        retention: Retention,
        now: Timestamp,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let (table, pk) = (&self.table, keys::room(commit.room));
        let mut actions = Actions { table, pk, retention, now, items: Vec::new() };
        actions.records(&commit.writes)?;
        for Decided { push, plan } in &commit.decided {
            actions.dead(push, plan)?;
            actions.marker(push, plan)?;
            actions.device(plan)?;
        }
        for letters in commit.closes {
            actions.items.push(close(table, commit.room, letters)?);
        }
        if commit.publications().is_empty() && actions.items.len() == commit.writes.checks.len() {
            return Ok(());
        }
        if let Counting::Change(stored, change) = counting {
            actions.items.push(counts::change(table, commit.room, stored, *change)?);
        }
        actions.head(commit)?;
        actions.log(commit)?;
        table.transact(actions.items, cost).await
    }
}

/// The actions of a transaction that is being built.
struct Actions<'a> {
    table: &'a Table,
    pk: String,
    retention: Retention,
    now: Timestamp,
    items: Vec<TransactWriteItem>,
}

impl Actions<'_> {
    fn records(&mut self, writes: &RecordWrites<'_>) -> Result<(), StoreError> {
        for (key, put) in &writes.puts {
            let item = from_record(put.record, self.retention, self.now);
            self.rewrite(&RECORD, keys::record(key), item, condition(put.expected))?;
        }
        for (key, expected) in &writes.checks {
            self.check(keys::record(key), condition(*expected))?;
        }
        Ok(())
    }

    /// The dead letters. An earlier attempt may have committed them: see [`Counting::Committed`].
    fn dead(&mut self, push: &Push, plan: &Plan) -> Result<(), StoreError> {
        for item in dead_letters::items(push, plan.first, self.now, &plan.dead)? {
            let key = keys::dead(&item.key);
            let item = from_dead(item, &push.author(), push.batch.as_ref(), self.now);
            self.rewrite(&DEAD, key, item, Condition::Absent)?;
        }
        Ok(())
    }

    /// The marker of a batch with an id, which fixes its outcomes. A batch that was undone has no marker and
    /// is decided again when it is retried.
    fn marker(&mut self, push: &Push, plan: &Plan) -> Result<(), StoreError> {
        let undone = push.atomic && !plan.outcomes.iter().all(Outcome::is_applied);
        let Some(batch) = push.batch.as_ref().filter(|_| !undone) else { return Ok(()) };
        let marker = Marker::new(push.hash, plan.prev, plan.stamp(), &plan.outcomes);
        let marker = Marker { user: push.user.clone(), ..marker };
        let item = from_marker(&marker, self.retention, self.now);
        let condition = match &push.user {
            Some(_) => Condition::Absent,
            // See `Marker::settles`.
            None => Condition::AbsentOrHas(MARKER_USER),
        };
        self.rewrite(&MARKER, keys::batch(&push.device, batch), item, condition)
    }

    /// The numbers of the batches of the push's device.
    fn device(&mut self, plan: &Plan) -> Result<(), StoreError> {
        let Some((device, batches)) = &plan.device else { return Ok(()) };
        let condition = match batches.revision {
            0 => Condition::Absent,
            revision => Condition::Equals(DEVICE_REVISION, number(revision)),
        };
        self.rewrite(&DEVICE, keys::device(device), from_device_batches(batches), condition)
    }

    /// HEAD moves only together with a log item; otherwise the transaction checks that it has not moved.
    fn head(&mut self, commit: &CommitPlan<'_>) -> Result<(), StoreError> {
        let condition = match commit.prev {
            Stamp::ZERO => Condition::Absent,
            prev => Condition::Equals("stamp", number(prev.0)),
        };
        if commit.publications().is_empty() {
            return self.check(keys::HEAD.to_owned(), condition);
        }
        if commit.prev == Stamp::ZERO {
            // Usually the branch exists; a user's own branch counts as created.
            let created = (CREATED, number(self.now.0));
            self.items.push(self.table.ensure(branch_key(commit.room), created)?);
        }
        let mut head = commit.head.clone();
        head.log_items = head.log_items.saturating_add(commit.publications().len() as u64);
        self.rewrite(&HEAD, keys::HEAD.to_owned(), head_update(&head), condition)
    }

    fn log(&mut self, commit: &CommitPlan<'_>) -> Result<(), StoreError> {
        let changes: usize = commit.publications().iter().map(|part| part.changes.len()).sum();
        let mut total = commit.head.changes.saturating_sub(changes as u64);
        for part in commit.publications() {
            total = total.saturating_add(part.changes.len() as u64);
            let item = log::item(part, total)?;
            let (key, item) = (keys::log_item(item.last), from_log(item, self.retention, self.now));
            self.put(keys::log(commit.room), key, item)?;
        }
        Ok(())
    }

    /// Rewrites an item of the room; attributes that a newer release has added stay.
    fn rewrite(
        &mut self,
        kind: &ItemKind,
        sk: String,
        item: Item,
        condition: Condition,
    ) -> Result<(), StoreError> {
        self.items.push(self.table.rewrite(key(self.pk.clone(), sk), kind, item, condition)?);
        Ok(())
    }

    /// Puts an item that does not exist yet.
    fn put(&mut self, pk: String, sk: String, mut item: Item) -> Result<(), StoreError> {
        item.extend(key(pk, sk));
        self.items.push(self.table.put(item, Condition::Absent)?);
        Ok(())
    }

    fn check(&mut self, sk: String, condition: Condition) -> Result<(), StoreError> {
        self.items.push(self.table.check(key(self.pk.clone(), sk), condition)?);
        Ok(())
    }
}

/// The record must be as it was read.
fn condition(expected: Expected) -> Condition {
    match expected {
        Expected::Absent => Condition::Absent,
        Expected::Version(version) => Condition::Equals("version", number(version)),
        Expected::Damaged => Condition::Present,
    }
}
