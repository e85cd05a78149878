//! The one transaction of a push: HEAD, records, checks, log and marker, or nothing.

use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, PutBuilder};
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnConsumedCapacity, TransactWriteItem,
};
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::decide::Plan;
use sync::decide::commit::CommitPlan;
use sync::marker::Marker;
use sync::outcome::Outcome;
use sync::push::Push;
use sync::rules::Retention;
use sync::{dead_letters, log};

use super::cost::Cost;
use super::dead::close;
use super::error::StoreError;
use super::item::{Item, from_dead, from_head, from_log, from_marker, from_record, number};
use super::{Store, keys};

impl Store {
    /// Commits, if everything is still as it was read; [`StoreError::Lost`] if not.
    ///
    /// A batch without a name that changes nothing and rejects nothing leaves no trace, so there is nothing to commit.
    pub async fn commit(
        &self,
        commit: &CommitPlan<'_>,
        retention: Retention,
        now: Timestamp,
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let (table, pk) = (self.table.as_str(), keys::room(commit.room));
        let mut actions = Actions { table, pk, retention, now, items: Vec::new() };
        actions.records(commit.plan)?;
        actions.dead(commit.push, commit.plan)?;
        actions.marker(commit.push, commit.plan)?;
        if let Some(letter) = commit.closes {
            actions.items.push(close(table, commit.room, letter)?);
        }
        if commit.plan.changes.is_empty() && actions.items.len() == commit.plan.checks.len() {
            return Ok(());
        }
        actions.head(commit.room, commit.plan, commit.publications().len())?;
        actions.log(commit)?;
        let request = self.client.transact_write_items().set_transact_items(Some(actions.items));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed()).map_err(StoreError::of_transaction)?;
        cost.wrote(answer.consumed_capacity());
        Ok(())
    }
}

/// The transaction as it grows.
struct Actions<'a> {
    table: &'a str,
    pk: String,
    retention: Retention,
    now: Timestamp,
    items: Vec<TransactWriteItem>,
}

/// The condition under which something is written.
enum Condition {
    /// The item must not be there.
    Absent,
    /// The item's attribute must have this value.
    Equals(&'static str, u64),
    /// None: writing it again changes nothing.
    Always,
}

impl Condition {
    fn version(expected: Option<u64>) -> Condition {
        expected.map_or(Condition::Absent, |version| Condition::Equals("version", version))
    }

    fn head(prev: Stamp) -> Condition {
        if prev == Stamp::ZERO { Condition::Absent } else { Condition::Equals("stamp", prev.0) }
    }
}

impl Actions<'_> {
    fn records(&mut self, plan: &Plan) -> Result<(), StoreError> {
        for put in &plan.puts {
            let condition = Condition::version(put.expected);
            self.put(
                self.pk.clone(),
                keys::record(&put.key),
                from_record(&put.record, self.retention, self.now),
                condition,
            )?;
        }
        for check in &plan.checks {
            self.check(keys::record(&check.key), Condition::version(check.expected))?;
        }
        Ok(())
    }

    /// The dead letters. The same batch at the same moment has the same key and the same letters, so writing them
    /// again changes nothing.
    fn dead(&mut self, push: &Push, plan: &Plan) -> Result<(), StoreError> {
        for item in dead_letters::items(push, plan.first, self.now, &plan.dead)? {
            let key = keys::dead(&item.key);
            let item = from_dead(item, &push.device, push.batch.as_ref(), self.now);
            self.put(self.pk.clone(), key, item, Condition::Always)?;
        }
        Ok(())
    }

    /// The marker of a named batch: its outcomes must not change. One that was undone has none and is decided anew.
    fn marker(&mut self, push: &Push, plan: &Plan) -> Result<(), StoreError> {
        let undone = push.atomic && !plan.outcomes.iter().all(Outcome::is_applied);
        let Some(batch) = push.batch.as_ref().filter(|_| !undone) else { return Ok(()) };
        let marker = Marker::new(push.hash, plan.prev, plan.stamp(), &plan.outcomes);
        let item = from_marker(&marker, self.retention, self.now);
        self.put(self.pk.clone(), keys::batch(&push.device, batch), item, Condition::Absent)
    }

    /// HEAD moves only together with a log item; otherwise it must stand where it stood.
    fn head(&mut self, room: &Room, plan: &Plan, log_items: usize) -> Result<(), StoreError> {
        let condition = Condition::head(plan.prev);
        if plan.changes.is_empty() {
            return self.check(keys::HEAD.to_owned(), condition);
        }
        if plan.prev == Stamp::ZERO {
            self.put(keys::client(&room.client), keys::branch(&room.branch), Item::new(), Condition::Always)?;
        }
        let mut head = plan.head.clone();
        head.log_items = head.log_items.saturating_add(log_items as u64);
        self.put(self.pk.clone(), keys::HEAD.to_owned(), from_head(&head), condition)
    }

    fn log(&mut self, commit: &CommitPlan<'_>) -> Result<(), StoreError> {
        let mut total = commit.plan.head.changes.saturating_sub(commit.plan.changes.len() as u64);
        for part in commit.publications() {
            total = total.saturating_add(part.changes.len() as u64);
            let item = log::item(part, total)?;
            let (key, item) = (keys::log_item(item.last), from_log(item, self.retention, self.now));
            self.put(keys::log(commit.room), key, item, Condition::Absent)?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        pk: String,
        sk: String,
        mut item: Item,
        condition: Condition,
    ) -> Result<(), StoreError> {
        item.insert("pk".into(), AttributeValue::S(pk));
        item.insert("sk".into(), AttributeValue::S(sk));
        let put = Put::builder().table_name(self.table).set_item(Some(item));
        let put = condition.on_put(put).build().map_err(StoreError::build)?;
        self.items.push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    fn check(&mut self, sk: String, condition: Condition) -> Result<(), StoreError> {
        let check = ConditionCheck::builder()
            .table_name(self.table)
            .key("pk", AttributeValue::S(self.pk.clone()))
            .key("sk", AttributeValue::S(sk));
        let check = condition.on_check(check).build().map_err(StoreError::build)?;
        self.items.push(TransactWriteItem::builder().condition_check(check).build());
        Ok(())
    }
}

const ABSENT: &str = "attribute_not_exists(pk)";
const EQUALS: &str = "#name = :value";

impl Condition {
    fn on_put(self, put: PutBuilder) -> PutBuilder {
        match self {
            Condition::Always => put,
            Condition::Absent => put.condition_expression(ABSENT),
            Condition::Equals(name, value) => put
                .condition_expression(EQUALS)
                .expression_attribute_names("#name", name)
                .expression_attribute_values(":value", number(value)),
        }
    }

    fn on_check(self, check: ConditionCheckBuilder) -> ConditionCheckBuilder {
        match self {
            Condition::Always => check,
            Condition::Absent => check.condition_expression(ABSENT),
            Condition::Equals(name, value) => check
                .condition_expression(EQUALS)
                .expression_attribute_names("#name", name)
                .expression_attribute_values(":value", number(value)),
        }
    }
}
