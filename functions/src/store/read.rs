//! What a pull reads: HEAD, and if it is ahead, one Query over the log, or over the records where the log does not
//! reach back far enough.

mod branches;
mod log;
mod records;

use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use protocol::ids::Room;
use protocol::record::RecordKey;
use sync::record::Record;
use sync::snapshot::Head;

use super::cost::Cost;
use super::error::StoreError;
use super::item::{Item, to_head, to_record};
use super::{Store, keys};

impl Store {
    /// The room's HEAD, strongly consistent; the default if nothing was ever committed.
    pub async fn head(&self, room: &Room, cost: &mut Cost) -> Result<Head, StoreError> {
        let item = self.get(room, keys::HEAD.to_owned(), cost).await?;
        item.as_ref().map_or_else(|| Ok(Head::default()), to_head)
    }

    /// One record of the room, strongly consistent, or its tombstone.
    pub async fn record(
        &self,
        room: &Room,
        key: &RecordKey,
        cost: &mut Cost,
    ) -> Result<Option<Record>, StoreError> {
        self.get(room, keys::record(key), cost).await?.as_ref().map(to_record).transpose()
    }

    async fn get(&self, room: &Room, sk: String, cost: &mut Cost) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("pk", AttributeValue::S(keys::room(room))).key("sk", AttributeValue::S(sk));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed())?;
        cost.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// A Query of the items in partition `pk` under `condition`, which names the partition `:pk`: strongly consistent,
    /// and no more than `limit` items of it.
    fn query(&self, pk: String, condition: &str, limit: usize) -> QueryFluentBuilder {
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        request
            .key_condition_expression(format!("pk = :pk AND {condition}"))
            .expression_attribute_values(":pk", AttributeValue::S(pk))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

/// Sends one Query, and counts what it cost.
async fn send(request: QueryFluentBuilder, cost: &mut Cost) -> Result<QueryOutput, StoreError> {
    let answer = request.send().await.inspect_err(|_| cost.failed())?;
    cost.read(answer.consumed_capacity());
    Ok(answer)
}
