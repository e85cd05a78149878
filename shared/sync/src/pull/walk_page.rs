//! One page of a walk over the records.

use super::plan::unknown_table;
use super::query::RoomPull;
use super::{Next, Page};
use crate::cursor::Position;
use crate::cursor::walk::Walk;
use crate::limits::PULL_BYTES_MAX;
use crate::record::Record;
use crate::snapshot::Head;
use crate::tables::Tables;
use protocol::error::ApiError;
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
/// [`unavailable`](protocol::error::ErrorCode::Unavailable) if the next record is of a table that is not in
/// `tables`.
///
/// Records written after the noted position are left out: the log after that position has them. So are those
/// outside the window of their table. Damaged ones are named, so that tills keep what they have.
pub fn page(
    tables: &Tables,
    head: &Head,
    pull: &RoomPull,
    mut walk: Walk,
    found: Rows,
) -> Result<Page, ApiError> {
    let snapshot_id = Some(walk.snapshot_id());
    let (mut changes, mut damaged, mut bytes, mut more) = (Vec::new(), Vec::new(), 0, found.more);
    for (at, (key, record)) in found.rows.into_iter().enumerate() {
        if changes.len() >= pull.selection.limit || bytes >= PULL_BYTES_MAX {
            more = true;
            break;
        }
        if pull.selection.all && !tables.contains(&key.table) {
            if at == 0 {
                return Err(unknown_table());
            }
            more = true;
            break;
        }
        let is_asked_for = pull.selection.tables.contains(&key.table);
        let oldest = pull.selection.oldest(tables, &key.table, walk.started);
        match record {
            Some(record) if record.stamp > walk.noted => {
                walk.skipped = walk.skipped.max(Some(record.stamp));
            }
            Some(record) if record.stamp < oldest => {}
            Some(record) if is_asked_for => {
                bytes += record.data.as_str().len();
                changes.push(change_body(&pull.room.branch, &key, record));
            }
            None if is_asked_for => damaged.push(key.clone().into()),
            _ => {}
        }
        walk.after = Some(key);
    }
    // The tail must pass through HEAD too, so that its cursors differ from those after a complete snapshot.
    let ahead = Some(head.stamp).filter(|&stamp| stamp > walk.noted);
    let tail = Position { stamp: walk.noted, through: walk.skipped.max(ahead) };
    let has_more = more || tail.through.is_some();
    let next = if more { Next::Walk(walk) } else { Next::Position(tail) };
    Ok(Page { changes, damaged, next, has_more, snapshot_id })
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
