//! FEED: how far `change-stream` has published a room's log; and the read of HEAD and FEED for statistics.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use sync::snapshot::Head;
use sync::stats::Feed;

use super::Store;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, as_text, get, key, number};
use crate::sync::items::to_head;
use crate::sync::keys;

impl Store {
    /// The room's HEAD and FEED in one BatchGetItem; each is the default if it does not exist yet.
    pub async fn head_and_feed(&self, room: &Room, cost: &mut Cost) -> Result<(Head, Feed), StoreError> {
        let (mut head, mut feed) = (Head::default(), Feed::default());
        for item in self.items(room, [keys::HEAD, keys::FEED].map(str::to_owned), cost).await? {
            if get(&item, "sk", as_text)? == keys::HEAD {
                head = to_head(&item)?;
            } else {
                feed = to_feed(&item)?;
            }
        }
        Ok((head, feed))
    }

    /// Records that the room's log was published up to `feed`. Events may repeat and come out of order, so
    /// FEED never goes back.
    pub async fn delivered(&self, room: &Room, feed: Feed, cost: &mut Cost) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(key(keys::room(room), keys::FEED)))
            .update_expression("SET #stamp = :stamp, #changes = :changes")
            .condition_expression("attribute_not_exists(#stamp) OR #stamp < :stamp")
            .expression_attribute_names("#stamp", "stamp")
            .expression_attribute_names("#changes", "changes")
            .expression_attribute_values(":stamp", number(feed.stamp.0))
            .expression_attribute_values(":changes", number(feed.changes));
        match request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
            Ok(answer) => {
                cost.wrote(answer.consumed_capacity());
                Ok(())
            }
            Err(error) => {
                cost.failed();
                if is_ahead(&error) { Ok(()) } else { Err(error.into()) }
            }
        }
    }
}

fn to_feed(item: &Item) -> Result<Feed, StoreError> {
    Ok(Feed { stamp: Stamp(get(item, "stamp", as_number)?), changes: get(item, "changes", as_number)? })
}

/// Whether FEED is already further ahead.
fn is_ahead(error: &SdkError<UpdateItemError>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}
