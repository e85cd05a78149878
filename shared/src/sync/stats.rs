//! The figures of a room, from two items that every commit and every delivery keep up to date.

use crate::protocol::stats::{DeviceClock, StatsAnswer, TableStats};
use crate::stamp::Stamp;
use crate::sync::snapshot::{ClockReading, Head};
use crate::tables::Tables;
use crate::tenant::DeviceId;
use crate::token::Role;

/// How far a room was told of its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// The last stamp that was delivered.
    pub stamp: Stamp,
    /// Changes ever up to it.
    pub changes: u64,
}

/// What a caller of `role` is told of a room that stands at `head` and was delivered up to `feed`.
pub fn stats(tables: &Tables, role: Role, head: &Head, feed: Feed) -> StatsAnswer {
    let readable = tables.names().filter(|table| tables.may_read(table, role));
    let count = |table: &str| TableStats {
        table_name: table.to_owned(),
        record_count: head.live.get(table).copied().unwrap_or_default(),
    };
    let clock = |(device, reading): (&DeviceId, &ClockReading)| DeviceClock {
        device_id: device.to_string(),
        skew_millis: reading.skew_millis,
        at: reading.at.to_string(),
    };
    StatsAnswer {
        // The two are read side by side: a commit between them may be delivered before it is counted.
        pending_queue_count: head.changes.saturating_sub(feed.changes),
        last_sync_at: (head.stamp > Stamp::ZERO).then(|| head.stamp.time().to_string()),
        tables_stats: readable.map(count).collect(),
        clocks: head.clocks.iter().map(clock).collect(),
    }
}
