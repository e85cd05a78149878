//! Items that only pulls of all branches read.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use sync::cursor::checkpoint::{Checkpoint, CheckpointId};
use sync::rules::Retention;

use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_bytes, as_number, get, item, number, optional};
use crate::dynamo::kind::ItemKind;

/// A branch in the list of its client's branches. Two writers set one attribute each.
pub const BRANCH: ItemKind = ItemKind { name: "branch", format: 1, attributes: &[CREATED, NOTED] };
/// A checkpoint of head office.
pub const CHECKPOINT: ItemKind =
    ItemKind { name: "checkpoint", format: 1, attributes: &["positions", "ttl"] };

/// The attribute of a branch with the time of its creation, in microseconds since the epoch.
pub const CREATED: &str = "created";
/// The attribute of a branch with the stamp of the latest commit that `change-stream` has noted.
pub const NOTED: &str = "noted";

/// Reads the noted stamp of a branch.
pub fn to_noted(item: &Item) -> Result<Option<Stamp>, StoreError> {
    BRANCH.read(item, |item| optional(item, NOTED, |value| as_number(value).map(Stamp)))
}

/// Writes a checkpoint of head office. It is kept as long as a batch's marker, and written again when it is
/// used in the second half of that time.
pub fn from_checkpoint(bytes: Vec<u8>, retention: Retention, now: Timestamp) -> Item {
    item([
        ("positions", AttributeValue::B(Blob::new(bytes))),
        ("ttl", number(now.plus_secs(retention.marker_secs()).as_secs())),
    ])
}

/// Reads the checkpoint `id`, and its `ttl`. A checkpoint past its `ttl` counts until DynamoDB deletes it.
pub fn to_checkpoint(id: CheckpointId, item: &Item) -> Result<(Checkpoint, u64), StoreError> {
    CHECKPOINT.read(item, |item| {
        let checkpoint = get(item, "positions", |value| Checkpoint::read(id, as_bytes(value)?))?;
        Ok((checkpoint, get(item, "ttl", as_number)?))
    })
}
