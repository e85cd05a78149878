//! How far `change-stream` has delivered a room's log, and the two items that statistics are made of.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use protocol::ids::Room;
use protocol::stamp::Stamp;
use sync::snapshot::Head;
use sync::stats::Feed;

use super::cost::Cost;
use super::error::StoreError;
use super::item::{Item, as_number, as_text, get, number, to_head};
use super::{Store, keys};

impl Store {
    /// The room's HEAD and FEED in one request, whatever there is in the room; the defaults of both, if nothing was
    /// ever committed or delivered.
    pub async fn head_and_feed(&self, room: &Room, cost: &mut Cost) -> Result<(Head, Feed), StoreError> {
        let (mut head, mut feed) = (Head::default(), Feed::default());
        let sort_keys = [keys::HEAD, keys::FEED].map(str::to_owned);
        for item in self.batch_get(keys::room(room), sort_keys.into_iter(), cost).await? {
            if get(&item, "sk", as_text)? == keys::HEAD {
                head = to_head(&item)?;
            } else {
                feed = to_feed(&item)?;
            }
        }
        Ok((head, feed))
    }

    /// Notes that the room was told of everything up to `feed`. Events may come again and out of order, so it never
    /// goes back.
    pub async fn delivered(&self, room: &Room, feed: Feed, cost: &mut Cost) -> Result<(), StoreError> {
        let request = self.client.update_item().table_name(&self.table);
        let request = request
            .key("pk", AttributeValue::S(keys::room(room)))
            .key("sk", AttributeValue::S(keys::FEED.to_owned()))
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
                if is_further(&error) { Ok(()) } else { Err(error.into()) }
            }
        }
    }
}

fn to_feed(item: &Item) -> Result<Feed, StoreError> {
    Ok(Feed { stamp: Stamp(get(item, "stamp", as_number)?), changes: get(item, "changes", as_number)? })
}

/// Whether FEED stands further already.
fn is_further(error: &SdkError<UpdateItemError>) -> bool {
    matches!(error.as_service_error(), Some(UpdateItemError::ConditionalCheckFailedException(_)))
}
