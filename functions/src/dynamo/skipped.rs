//! The dead-letter destination of stream functions: records that cannot be decoded are kept in the table, so
//! that they do not hold up the records behind them in their shard.
//!
//! A function alone can tell a damaged record from a dependency that does not answer. Lambda cannot: it would
//! retry both, and hold the shard meanwhile.

use aws_lambda_events::dynamodb::EventRecord;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::timestamp::{DAY_SECS, Timestamp};

use super::damage;
use super::error::StoreError;
use super::item::{Item, item, key, number, text};
use super::kind::ItemKind;
use super::table::Table;
use crate::context::kind::StreamFunction;
use crate::stream::sequence_number;

/// Seconds that a skipped record is kept.
const KEPT_SECS: u64 = 14 * DAY_SECS;

/// The partition of the records that `function` has skipped; the sort key is the sequence number in the
/// stream.
pub fn partition(function: StreamFunction) -> String {
    format!("SKIPPED#{}", function.name())
}

/// The key of the item that `record` is about, as it is in the stream.
pub fn stored_key(record: &EventRecord) -> Item {
    record.change.keys.clone().into_inner().into_iter().map(|(name, value)| (name, value.into())).collect()
}

impl Table {
    /// Keeps the position of `record`, which `function` cannot decode, and the key of its item. Idempotent.
    pub async fn keep_skipped(
        &self,
        function: StreamFunction,
        kind: &ItemKind,
        record: &EventRecord,
        error: &StoreError,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let about = stored_key(record);
        let hash = damage::key_hash(&about);
        let sequence_number = sequence_number(record);
        tracing::error!(
            function = function.name(),
            sequence_number,
            key_hash = hash,
            "a stream record is skipped"
        );
        let mut kept = item([
            ("kind", text(kind.name)),
            ("reason", text(error.to_string())),
            ("at", number(now.0)),
            ("ttl", number(now.plus_secs(KEPT_SECS).as_secs())),
        ]);
        let names = about.into_iter().map(|(name, value)| (format!("item_{name}"), value));
        kept.extend(names.filter(|(_, value)| matches!(value, AttributeValue::S(_))));
        kept.extend(key(partition(function), sequence_number));
        let put = self.put(kept, super::table::Condition::Always)?;
        self.transact(vec![put], &mut super::cost::Cost::default()).await
    }
}
