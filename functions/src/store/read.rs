//! What a pull reads: HEAD, and if it is ahead, one Query over the log.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use shared::stamp::Stamp;
use shared::sync::log::LogItem;
use shared::sync::snapshot::Head;
use shared::tenant::Room;

use super::cost::Cost;
use super::error::StoreError;
use super::item::{to_head, to_log};
use super::{Store, keys};

impl Store {
    /// The room's HEAD, strongly consistent; the default if nothing was ever committed.
    pub async fn head(&self, room: &Room, cost: &mut Cost) -> Result<Head, StoreError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        let request = request.key("pk", AttributeValue::S(keys::room(room)));
        let request = request.key("sk", AttributeValue::S(keys::HEAD.to_owned()));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed())?;
        cost.read(answer.consumed_capacity());
        answer.item().map_or_else(|| Ok(Head::default()), to_head)
    }

    /// At most `items` log items after `position`, in commit order, strongly consistent, in one Query.
    ///
    /// `sk > position` also finds the item that the position stands inside.
    pub async fn log_after(
        &self,
        room: &Room,
        position: Stamp,
        items: usize,
        cost: &mut Cost,
    ) -> Result<Vec<LogItem>, StoreError> {
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        let request = request
            .key_condition_expression("pk = :log AND sk > :position")
            .expression_attribute_values(":log", AttributeValue::S(keys::log(room)))
            .expression_attribute_values(":position", AttributeValue::S(keys::log_item(position)))
            .limit(i32::try_from(items).unwrap_or(i32::MAX));
        let answer = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let answer = answer.inspect_err(|_| cost.failed())?;
        cost.read(answer.consumed_capacity());
        answer.items().iter().map(to_log).collect()
    }
}
