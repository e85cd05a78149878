//! The records of a room: by key, in key order, and their keys alone.

use std::collections::{BTreeMap, BTreeSet};

use protocol::ids::Room;
use protocol::record::RecordKey;
use sync::pull::table_ranges::TableRange;
use sync::pull::walk_page::Rows;
use sync::record::Record;

use super::{Store, limit};
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_bool, as_text, get, key, text};
use crate::dynamo::table::page;
use crate::sync::items::{RECORD, to_record};
use crate::sync::keys;

/// A page of record keys, in key order.
pub struct KeysPage {
    /// The keys.
    pub keys: Vec<RecordKey>,
    /// The last key of this page, if another page follows.
    pub next_after: Option<RecordKey>,
}

impl Store {
    /// A record or its tombstone, strongly consistent. A damaged one counts as missing.
    pub async fn record(
        &self,
        room: &Room,
        record: &RecordKey,
        cost: &mut Cost,
    ) -> Result<Option<Record>, StoreError> {
        let key = key(keys::room(room), keys::record(record));
        self.readable_item(&RECORD, key, to_record, cost).await
    }

    /// The existing records and tombstones among `keys`, at most [`crate::limits::BATCH_GET_KEYS_MAX`], each
    /// strongly consistent by itself, in one BatchGetItem. A damaged one counts as missing.
    pub async fn records(
        &self,
        room: &Room,
        keys: BTreeSet<&RecordKey>,
        cost: &mut Cost,
    ) -> Result<BTreeMap<RecordKey, Record>, StoreError> {
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let items = self.items(room, keys.into_iter().map(keys::record), cost).await?;
        let mut records = BTreeMap::new();
        for item in &items {
            if let Some(record) = self.readable(&RECORD, item, to_record)? {
                records.extend(self.record_key(item)?.map(|key| (key, record)));
            }
        }
        Ok(records)
    }

    /// The keys of the records of `table` after `after`, without tombstones and damaged ones, in one
    /// eventually consistent Query of at most `items` records or 1 MB.
    pub async fn keys_after(
        &self,
        room: &Room,
        table: &str,
        after: Option<&RecordKey>,
        items: usize,
        cost: &mut Cost,
    ) -> Result<KeysPage, StoreError> {
        let query = self.table.query_prefix(keys::room(room), &keys::table_prefix(table));
        let query = query.limit(limit(items)).consistent_read(false).projection_expression("sk, deleted");
        let mut keys = Vec::with_capacity(items);
        let mut from = after.map(|record| key(keys::room(room), keys::record(record)));
        loop {
            let answer = page(query.clone().set_exclusive_start_key(from), cost).await?;
            let mut last = None;
            for item in answer.items() {
                let Some(key) = self.record_key(item)? else { continue };
                let is_deleted = self.readable(&RECORD, item, |item| get(item, "deleted", as_bool))?;
                keys.extend((is_deleted == Some(false)).then(|| key.clone()));
                last = Some(key);
            }
            from = answer.last_evaluated_key;
            // A page without a readable key names no record to go on after.
            if from.is_none() || last.is_some() {
                return Ok(KeysPage { keys, next_after: last.filter(|_| from.is_some()) });
            }
        }
    }

    /// The records and tombstones of `ranges` after `after`: one Query per range, until there are `items`
    /// records or a range gave 1 MB.
    ///
    /// The Queries are eventually consistent, at half the units: they may miss the latest changes, but none
    /// that has settled ([`sync::limits::LOG_SETTLE_SECS`]).
    pub async fn records_in(
        &self,
        room: &Room,
        ranges: &[TableRange],
        after: Option<&RecordKey>,
        items: usize,
        cost: &mut Cost,
    ) -> Result<Rows, StoreError> {
        let mut found = Rows::default();
        for range in ranges {
            if found.rows.len() >= items {
                found.more = true;
                break;
            }
            // Only the first range may have been read in part.
            let after = after.filter(|after| after.table >= range.first);
            let (first, last) = keys::table_range(range);
            let query = self.table.query("pk = :pk AND sk BETWEEN :first AND :last", keys::room(room));
            let query = query
                .consistent_read(false)
                .expression_attribute_values(":first", text(first))
                .expression_attribute_values(":last", text(last))
                .limit(limit(items - found.rows.len()));
            let mut from = after.map(|record| key(keys::room(room), keys::record(record)));
            loop {
                let answer = page(query.clone().set_exclusive_start_key(from), cost).await?;
                for item in answer.items() {
                    if let Some(key) = self.record_key(item)? {
                        found.rows.push((key, self.readable(&RECORD, item, to_record)?));
                    }
                }
                from = answer.last_evaluated_key;
                // A page without a readable key names no record to go on after.
                if from.is_none() || !found.rows.is_empty() {
                    break;
                }
            }
            if from.is_some() {
                found.more = true;
                break;
            }
        }
        Ok(found)
    }

    /// The record that `item` is; `None` if its key is none of a record, which is reported.
    fn record_key(&self, item: &Item) -> Result<Option<RecordKey>, StoreError> {
        self.readable(&RECORD, item, |item| RECORD.read(item, key_of))
    }
}

fn key_of(item: &Item) -> Result<RecordKey, StoreError> {
    keys::record_of(get(item, "sk", as_text)?).ok_or(StoreError::Corrupt("sk"))
}
