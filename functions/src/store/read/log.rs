//! The log after a position.

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use sync::log::LogItem;

use super::send;
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::store::item::to_log;
use crate::store::{Store, keys};

impl Store {
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
        let request = self.query(keys::log(room), "sk > :position", items);
        let position = AttributeValue::S(keys::log_item(position));
        let answer = send(request.expression_attribute_values(":position", position), cost).await?;
        answer.items().iter().map(to_log).collect()
    }
}
