//! The configuration of a deployment: its tables and its retention.

use crate::limits::{LOG_RETENTION_SECS, MARKER_RETENTION_SECS, TOMBSTONE_RETENTION_SECS};
use crate::tables::Tables;
use protocol::timestamp::DAY_SECS;

/// What a deployment configures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncRules {
    /// The synced tables with their policies.
    pub tables: Tables,
    /// How long log, markers and tombstones are kept.
    pub retention: Retention,
}

/// How long things are kept, in seconds. [`Retention::new`] guarantees the relations between the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    log_secs: u64,
    marker_secs: u64,
    tombstone_secs: u64,
}

/// Retention periods that would lose data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRetention {
    /// A period is under a day or over ten years.
    #[error("failed to set the retention: each must be at least a day and at most ten years")]
    Length,
    /// A till that pulls from the log would not learn that its batch was applied.
    #[error("failed to set the retention: batch markers must be kept at least as long as the log")]
    Markers,
    /// A till could be absent for less than the log's retention and still miss a deletion.
    #[error("failed to set the retention: tombstones must be kept longer than the log")]
    Tombstones,
}

const YEARS_SECS_MAX: u64 = 10 * 365 * DAY_SECS;

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            log_secs: LOG_RETENTION_SECS,
            marker_secs: MARKER_RETENTION_SECS,
            tombstone_secs: TOMBSTONE_RETENTION_SECS,
        }
    }
}

impl Retention {
    /// Checks the relations between the three periods.
    pub fn new(log_secs: u64, marker_secs: u64, tombstone_secs: u64) -> Result<Retention, BadRetention> {
        let lengths = [log_secs, marker_secs, tombstone_secs];
        if lengths.iter().any(|secs| !(DAY_SECS..=YEARS_SECS_MAX).contains(secs)) {
            return Err(BadRetention::Length);
        }
        if marker_secs < log_secs {
            return Err(BadRetention::Markers);
        }
        if tombstone_secs <= log_secs {
            return Err(BadRetention::Tombstones);
        }
        Ok(Retention { log_secs, marker_secs, tombstone_secs })
    }

    /// Seconds a log item is kept; a till that was absent for less catches up from the log.
    pub fn log_secs(self) -> u64 {
        self.log_secs
    }

    /// Seconds a batch marker is kept, and so how long a retry is exactly-once.
    pub fn marker_secs(self) -> u64 {
        self.marker_secs
    }

    /// Seconds a tombstone is kept; an older unversioned write may be of a deleted record.
    pub fn tombstone_secs(self) -> u64 {
        self.tombstone_secs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_retention_periods_are_refused() {
        let days =
            |log, marker, tombstone| Retention::new(log * DAY_SECS, marker * DAY_SECS, tombstone * DAY_SECS);
        assert_eq!(days(7, 90, 90), Ok(Retention::default()));
        assert!(days(1, 1, 2).is_ok());
        assert_eq!(days(7, 6, 90), Err(BadRetention::Markers));
        assert_eq!(days(7, 90, 7), Err(BadRetention::Tombstones));
        assert_eq!(days(0, 90, 90), Err(BadRetention::Length));
        assert_eq!(days(7, 90, 4000), Err(BadRetention::Length));
    }
}
