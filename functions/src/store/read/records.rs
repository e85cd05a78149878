//! The records of a room: in key order, by name, and their names alone.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::Room;
use protocol::record::RecordKey;
use sync::pull::walk_page::Rows;
use sync::record::Record;

use super::send;
use crate::store::cost::Cost;
use crate::store::error::StoreError;
use crate::store::item::{Item, as_text, get, to_record};
use crate::store::{Store, keys};

/// Names of records, in key order.
pub struct Names {
    /// The names.
    pub keys: Vec<RecordKey>,
    /// The last that was looked at, if there is more behind it.
    pub more_after: Option<RecordKey>,
}

impl Store {
    /// Those of the records `keys` that there are, tombstones included, each strongly consistent by itself, in one
    /// BatchGetItem: [`crate::limits::BATCH_GET_KEYS_MAX`] at most.
    pub async fn records(
        &self,
        room: &Room,
        keys: BTreeSet<&RecordKey>,
        cost: &mut Cost,
    ) -> Result<BTreeMap<RecordKey, Record>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let items = self.batch_get(keys::room(room), keys.into_iter().map(keys::record), cost).await?;
        items.iter().map(|item| Ok((key_of(item)?, to_record(item)?))).collect()
    }

    /// The names of the records of `table` after `after`, tombstones left out, in one Query that looks at `limit` of them
    /// at most and ends at 1 MB of records. A moment old, since who wants to know what is in them reads them anyway.
    pub async fn names_after(
        &self,
        room: &Room,
        table: &str,
        after: Option<&RecordKey>,
        limit: usize,
        cost: &mut Cost,
    ) -> Result<Names, StoreError> {
        let prefix = AttributeValue::S(keys::table_prefix(table));
        let request = self.query(keys::room(room), "begins_with(sk, :prefix)", limit).consistent_read(false);
        let request =
            request.projection_expression("sk, deleted").expression_attribute_values(":prefix", prefix);
        let answer = send(behind(request, room, after), cost).await?;
        let mut keys = Vec::with_capacity(answer.items().len());
        for item in answer.items() {
            if !get(item, "deleted", |value| value.as_bool().ok().copied())? {
                keys.push(key_of(item)?);
            }
        }
        Ok(Names { keys, more_after: answer.last_evaluated_key().map(key_of).transpose()? })
    }

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
        let request = request.expression_attribute_values(":prefix", prefix);
        let answer = send(behind(request, room, after), cost).await?;
        let more = answer.last_evaluated_key().is_some();
        let row = |item| Ok((key_of(item)?, to_record(item)?));
        Ok(Rows { rows: answer.items().iter().map(row).collect::<Result<_, StoreError>>()?, more })
    }
}

/// The same Query, of what is behind the record `after`.
fn behind(request: QueryFluentBuilder, room: &Room, after: Option<&RecordKey>) -> QueryFluentBuilder {
    let Some(key) = after else { return request };
    let request = request.exclusive_start_key("pk", AttributeValue::S(keys::room(room)));
    request.exclusive_start_key("sk", AttributeValue::S(keys::record(key)))
}

fn key_of(item: &Item) -> Result<RecordKey, StoreError> {
    keys::record_of(get(item, "sk", as_text)?).ok_or(StoreError::Corrupt("sk"))
}
