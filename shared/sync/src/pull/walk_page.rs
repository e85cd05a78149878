//! One page of a walk over the records.

use super::query::RoomPull;
use super::{Next, Page};
use crate::cursor::walk::Walk;
use crate::limits::PULL_BYTES_MAX;
use crate::record::Record;
use crate::snapshot::Head;
use protocol::ids::BranchId;
use protocol::record::{Operation, RecordKey};
use protocol::wire::pull::PulledChange;

/// Stored records in key order.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The records, tombstones included; `None` for a damaged one.
    pub rows: Vec<(RecordKey, Option<Record>)>,
    /// Whether there may be more after the last.
    pub more: bool,
}

/// Cuts a page from `found`, the records after those `walk` has read.
///
/// Records written after the noted position are left out: the log after that position has them. Damaged ones
/// are named, so that tills keep what they have.
pub fn page(head: &Head, pull: &RoomPull, walk: Walk, found: Rows) -> Page {
    let snapshot_id = Some(walk.snapshot_id());
    let (noted, mut after) = (walk.noted, walk.after);
    let (mut changes, mut damaged, mut bytes, mut more) = (Vec::new(), Vec::new(), 0, found.more);
    for (key, record) in found.rows {
        if changes.len() >= pull.window.limit || bytes >= PULL_BYTES_MAX {
            more = true;
            break;
        }
        let is_asked_for = pull.window.tables.contains(&key.table);
        match record {
            Some(record) if is_asked_for && record.stamp <= noted => {
                bytes += record.data.as_str().len();
                changes.push(change_body(&pull.room.branch, &key, record));
            }
            None if is_asked_for => damaged.push(key.clone().into()),
            _ => {}
        }
        after = Some(key);
    }
    let next = if more { Next::Walk(Walk { after, ..walk }) } else { Next::Position(noted) };
    Page { changes, damaged, next, has_more: more || noted != head.stamp, snapshot_id }
}

fn change_body(branch: &BranchId, key: &RecordKey, record: Record) -> PulledChange {
    PulledChange {
        table_name: key.table.clone(),
        record_id: key.id.clone(),
        data: record.data,
        version: record.version,
        stamp: record.stamp,
        server_updated_at: record.stamp.time().to_string(),
        // A snapshot shows the state, not its history.
        operation: if record.deleted { Operation::Delete } else { Operation::Create },
        is_deleted: record.deleted,
        device_id: record.device.to_string(),
        branch_id: branch.to_string(),
    }
}
