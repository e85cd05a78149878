//! Statistics of a room, from five items: HEAD, FEED, the clocks, the damaged items and the counts.

use crate::clocks::{ClockReading, Clocks};
use crate::counts::RoomCounts;
use crate::snapshot::Head;
use crate::tables::Tables;
use protocol::ids::{BranchId, DeviceId};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::branches::BranchSummary;
use protocol::wire::stats::{DeviceClock, StatsResponse, TableStats};

/// How much of the log a room has received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// The last delivered stamp.
    pub stamp: Stamp,
    /// Number of changes ever committed up to that stamp.
    pub changes: u64,
}

/// What the statistics of a room are made of.
#[derive(Clone, Debug, Default)]
pub struct RoomFigures {
    /// The room's HEAD.
    pub head: Head,
    /// How far its log is delivered.
    pub feed: Feed,
    /// The clocks of its devices.
    pub clocks: Clocks,
    /// Number of its damaged items that are known.
    pub damaged: u64,
    /// Its counts.
    pub counts: RoomCounts,
}

/// The statistics that a caller with `role` may see.
pub fn stats(tables: &Tables, role: Role, figures: &RoomFigures) -> StatsResponse {
    let RoomFigures { head, feed, clocks, damaged, counts } = figures;
    let readable = tables.names().filter(|table| tables.may_read(table, role));
    let count = |table: &str| TableStats {
        table_name: table.to_owned(),
        record_count: head.live.get(table).copied().unwrap_or_default(),
    };
    let clock = |(device, reading): (&DeviceId, ClockReading)| DeviceClock {
        device_id: device.to_string(),
        skew_millis: reading.skew_millis,
        at: reading.at.to_string(),
    };
    StatsResponse {
        // The items are read concurrently, so `feed` may already count a commit that `head` does not.
        pending_queue_count: head.changes.saturating_sub(feed.changes),
        last_sync_at: (head.stamp > Stamp::ZERO).then(|| head.stamp.time().to_string()),
        tables_stats: readable.map(count).collect(),
        clocks: clocks.iter().map(clock).collect(),
        corrupt: *damaged,
        conflict_count: counts.conflicts,
        dead_letter_count: may_count_dead_letters(role).then_some(counts.dead_letters),
    }
}

/// Whether a role sees the number of dead letters: only those that may handle them.
pub fn may_count_dead_letters(role: Role) -> bool {
    role >= Role::Manager
}

/// What a caller with `role` may see of a branch; `head` is `None` if it is damaged.
pub fn branch_summary(
    tables: &Tables,
    role: Role,
    branch: &BranchId,
    head: Option<&Head>,
    counts: RoomCounts,
) -> BranchSummary {
    let none = Head::default();
    let (is_damaged, head) = (head.is_none(), head.unwrap_or(&none));
    let readable = head.live.iter().filter(|(table, _)| tables.may_read(table, role));
    BranchSummary {
        branch_id: branch.to_string(),
        stamp: head.stamp,
        last_commit_at: (head.stamp > Stamp::ZERO).then(|| head.stamp.time().to_string()),
        change_count: head.changes,
        record_count: readable.map(|(_, count)| count).sum(),
        conflict_count: counts.conflicts,
        dead_letter_count: may_count_dead_letters(role).then_some(counts.dead_letters),
        is_damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::timestamp::Timestamp;

    fn figures(delivered: u64) -> RoomFigures {
        let mut head = Head { stamp: Stamp(1_765_103_401_000_123), changes: 9, ..Head::default() };
        head.live = [("products", 3), ("employee_advances", 2), ("no_longer_synced", 7)]
            .into_iter()
            .map(|(table, count)| (table.to_owned(), count))
            .collect();
        let reading = ClockReading { skew_millis: -40, at: Timestamp(1_765_103_400_000_000) };
        let clocks = [("till-1".parse().unwrap(), reading)].into_iter().collect();
        RoomFigures {
            head,
            feed: Feed { stamp: Stamp(1), changes: delivered },
            clocks,
            damaged: 2,
            counts: RoomCounts { dead_letters: 3, conflicts: 4 },
        }
    }

    #[test]
    fn counts_cover_the_tables_that_the_role_may_read() {
        let tables = Tables::built_in().unwrap();
        let count = |role, table: &str| {
            let stats = stats(&tables, role, &figures(0)).tables_stats;
            stats.into_iter().find(|found| found.table_name == table).map(|found| found.record_count)
        };
        assert_eq!(count(Role::Cashier, "products"), Some(3));
        assert_eq!(count(Role::Cashier, "customers"), Some(0));
        assert_eq!(count(Role::Cashier, "employee_advances"), None);
        assert_eq!(count(Role::Manager, "employee_advances"), Some(2));
        assert_eq!(count(Role::SuperAdmin, "no_longer_synced"), None);
    }

    #[test]
    fn a_summary_counts_what_the_role_may_see() {
        let (tables, figures) = (Tables::built_in().unwrap(), figures(0));
        let summary = |role, head| branch_summary(&tables, role, &"2".parse().unwrap(), head, figures.counts);
        let cashier = summary(Role::Cashier, Some(&figures.head));
        assert_eq!((cashier.record_count, cashier.change_count, cashier.dead_letter_count), (3, 9, None));
        assert_eq!(cashier.last_commit_at.as_deref(), Some("2025-12-07T10:30:01.000123Z"));
        let manager = summary(Role::Manager, Some(&figures.head));
        assert_eq!((manager.record_count, manager.dead_letter_count), (5, Some(3)));
        assert_eq!((manager.conflict_count, manager.is_damaged), (4, false));
        let damaged = summary(Role::SuperAdmin, None);
        assert_eq!((damaged.stamp, damaged.last_commit_at, damaged.is_damaged), (Stamp::ZERO, None, true));
    }

    #[test]
    fn undelivered_changes_are_pending_and_never_negative() {
        let tables = Tables::built_in().unwrap();
        let pending = |delivered| stats(&tables, Role::Cashier, &figures(delivered)).pending_queue_count;
        assert_eq!((pending(0), pending(4), pending(9), pending(12)), (9, 5, 0, 0));
    }

    #[test]
    fn the_exact_shape_is_pinned() {
        let tables = Tables::parse("[products]\npolicy = \"last-writer-wins\"\n").unwrap();
        let text = serde_json::to_string(&stats(&tables, Role::Cashier, &figures(0))).unwrap();
        let expected = [
            r#"{"pending_queue_count":9,"last_sync_at":"2025-12-07T10:30:01.000123Z","#,
            r#""tables_stats":[{"table_name":"products","record_count":3}],"#,
            r#""clocks":[{"device_id":"till-1","skew_millis":-40,"at":"2025-12-07T10:30:00.000000Z"}],"corrupt":2,"conflict_count":4}"#,
        ];
        assert_eq!(text, expected.concat());
        let empty = stats(&tables, Role::Cashier, &RoomFigures::default());
        assert_eq!(empty.last_sync_at, None);
    }
}
