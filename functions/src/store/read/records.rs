//! The records of a room, in key order.

use aws_sdk_dynamodb::types::AttributeValue;
use shared::record::RecordKey;
use shared::sync::pull::walk_page::Rows;
use shared::tenant::Room;

use super::send;
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::store::item::{as_text, get, to_record};
use crate::store::{Store, keys};

impl Store {
    /// At most `limit` records after `after`, tombstones included, each strongly consistent by itself, in one Query:
    /// DynamoDB ends it at 1 MB.
    pub async fn records_after(
        &self,
        room: &Room,
        after: Option<&RecordKey>,
        limit: usize,
        cost: &mut Cost,
    ) -> Result<Rows, StoreError> {
        let prefix = AttributeValue::S(keys::RECORD_PREFIX.to_owned());
        let request = self.query(keys::room(room), "begins_with(sk, :prefix)", limit);
        let mut request = request.expression_attribute_values(":prefix", prefix);
        if let Some(key) = after {
            request = request.exclusive_start_key("pk", AttributeValue::S(keys::room(room)));
            request = request.exclusive_start_key("sk", AttributeValue::S(keys::record(key)));
        }
        let answer = send(request, cost).await?;
        let more = answer.last_evaluated_key().is_some();
        let row = |item| {
            let key = keys::record_of(get(item, "sk", as_text)?).ok_or(StoreError::Corrupt("sk"))?;
            Ok((key, to_record(item)?))
        };
        Ok(Rows { rows: answer.items().iter().map(row).collect::<Result<_, StoreError>>()?, more })
    }
}
