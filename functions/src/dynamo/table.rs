//! A table of DynamoDB: requests that count their cost, and the actions of transactions.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, ReturnConsumedCapacity,
    TransactWriteItem, Update,
};

use super::cost::Cost;
use super::error::StoreError;
use super::item::{Item, text};

/// A table. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Table {
    /// The client for other requests.
    pub client: Client,
    /// The name.
    pub name: String,
}

/// The condition of a write.
pub enum Condition {
    /// The item must not exist.
    Absent,
    /// The item must not exist, or must have this attribute.
    AbsentOrHas(&'static str),
    /// The item must exist.
    Present,
    /// The attribute must have this value.
    Equals(&'static str, AttributeValue),
    /// The item must exist without the attribute.
    Lacks(&'static str),
    /// No condition: the write is idempotent.
    Always,
}

impl Condition {
    /// The attribute `name` must be as in `item`, whatever it is there.
    pub fn unchanged(item: &Item, name: &'static str) -> Condition {
        item.get(name).map_or(Condition::Lacks(name), |value| Condition::Equals(name, value.clone()))
    }
}

/// Sets the condition of an action's builder.
macro_rules! conditioned {
    ($builder:expr, $condition:expr) => {
        match $condition {
            Condition::Always => $builder,
            Condition::Absent => $builder.condition_expression("attribute_not_exists(pk)"),
            Condition::AbsentOrHas(name) => $builder
                .condition_expression("attribute_not_exists(pk) OR attribute_exists(#known)")
                .expression_attribute_names("#known", name),
            Condition::Present => $builder.condition_expression("attribute_exists(pk)"),
            Condition::Lacks(name) => $builder
                .condition_expression("attribute_exists(pk) AND attribute_not_exists(#known)")
                .expression_attribute_names("#known", name),
            Condition::Equals(name, value) => $builder
                .condition_expression("#known = :known")
                .expression_attribute_names("#known", name)
                .expression_attribute_values(":known", value),
        }
    };
}
pub(super) use conditioned;

impl Table {
    /// The item `key`, strongly consistent.
    pub async fn get(&self, key: Item, cost: &mut Cost) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true).set_key(Some(key));
        let output = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let output = output.inspect_err(|_| cost.failed())?;
        cost.read(output.consumed_capacity());
        Ok(output.item)
    }

    /// The existing items among `keys`, at most [`crate::limits::BATCH_GET_KEYS_MAX`], each strongly
    /// consistent by itself.
    pub async fn batch_get(&self, keys: Vec<Item>, cost: &mut Cost) -> Result<Vec<Item>, StoreError> {
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let (mut wanted, mut items) = (wanted.map_err(StoreError::build)?, Vec::new());
        // A response has at most 16 MB and lists the keys that are left. Each round makes progress or is
        // throttled, which the SDK retries.
        loop {
            let request = self.client.batch_get_item().request_items(&self.name, wanted);
            let output = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
            let output = output.inspect_err(|_| cost.failed())?;
            cost.read(output.consumed_capacity());
            items.extend(output.responses.into_iter().flatten().flat_map(|(_, items)| items));
            match output.unprocessed_keys.and_then(|mut tables| tables.remove(&self.name)) {
                Some(left) => wanted = left,
                None => return Ok(items),
            }
        }
    }

    /// A strongly consistent Query under `condition`, in which `:pk` stands for `pk`.
    pub fn query(&self, condition: &str, pk: String) -> QueryFluentBuilder {
        let request = self.client.query().table_name(&self.name).consistent_read(true);
        let request =
            request.key_condition_expression(condition).expression_attribute_values(":pk", text(pk));
        request.return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    /// A strongly consistent Query for the items of `pk` whose sort keys begin with `prefix`.
    pub fn query_prefix(&self, pk: String, prefix: &str) -> QueryFluentBuilder {
        let request = self.query("pk = :pk AND begins_with(sk, :prefix)", pk);
        request.expression_attribute_values(":prefix", text(prefix))
    }

    /// Sends a transaction; [`StoreError::Lost`] if a condition does not hold.
    pub async fn transact(&self, actions: Vec<TransactWriteItem>, cost: &mut Cost) -> Result<(), StoreError> {
        let request = self.client.transact_write_items().set_transact_items(Some(actions));
        let output = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let output = output.inspect_err(|_| cost.failed()).map_err(StoreError::of_transaction)?;
        cost.wrote(output.consumed_capacity());
        Ok(())
    }

    /// The action that puts `item`.
    pub fn put(&self, item: Item, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.name).set_item(Some(item));
        let put = conditioned!(put, condition).build().map_err(StoreError::build)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The action that creates the item `key` with an attribute, unless the item has the attribute already.
    pub fn ensure(
        &self,
        key: Item,
        (name, value): (&str, AttributeValue),
    ) -> Result<TransactWriteItem, StoreError> {
        let update = Update::builder().table_name(&self.name).set_key(Some(key));
        let update = update
            .update_expression("SET #name = if_not_exists(#name, :value)")
            .expression_attribute_names("#name", name)
            .expression_attribute_values(":value", value);
        let update = update.build().map_err(StoreError::build)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The action that deletes the item `key`.
    pub fn delete(&self, key: Item, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key));
        let delete = conditioned!(delete, condition).build().map_err(StoreError::build)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// The action that checks the item `key` without writing.
    pub fn check(&self, key: Item, condition: Condition) -> Result<TransactWriteItem, StoreError> {
        let check = ConditionCheck::builder().table_name(&self.name).set_key(Some(key));
        let check = conditioned!(check, condition).build().map_err(StoreError::build)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

/// Sends one page of a Query.
pub async fn page(request: QueryFluentBuilder, cost: &mut Cost) -> Result<QueryOutput, StoreError> {
    let output = request.send().await.inspect_err(|_| cost.failed())?;
    cost.read(output.consumed_capacity());
    Ok(output)
}

/// Sends a Query until its last page.
pub async fn all_pages(request: QueryFluentBuilder, cost: &mut Cost) -> Result<Vec<Item>, StoreError> {
    let (mut items, mut from) = (Vec::new(), None);
    loop {
        let output = page(request.clone().set_exclusive_start_key(from), cost).await?;
        items.extend(output.items.unwrap_or_default());
        from = output.last_evaluated_key;
        if from.is_none() {
            return Ok(items);
        }
    }
}

/// The output of a conditional write; `None` if its condition failed. A failed request counts in `cost`.
pub fn if_condition_held<T, E>(
    result: Result<T, SdkError<E>>,
    cost: &mut Cost,
) -> Result<Option<T>, StoreError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    match result.inspect_err(|_| cost.failed()) {
        Ok(written) => Ok(Some(written)),
        Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
        Err(error) => Err(error.into()),
    }
}
