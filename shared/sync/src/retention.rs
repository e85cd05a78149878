//! How long things are kept, as a deployment has it.

use crate::limits::{LOG_RETENTION_SECS, MARKER_RETENTION_SECS, TOMBSTONE_RETENTION_SECS};
use protocol::timestamp::DAY_SECS;

/// How long things are kept, in seconds. The relations between the three hold for every value of this type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    log_secs: u64,
    marker_secs: u64,
    tombstone_secs: u64,
}

/// Retentions that would lose something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRetention {
    /// Nothing would be kept.
    #[error("failed to set the retention: each must be at least a day and at most ten years")]
    Length,
    /// A till that pulls by the log would not notice that its batch was applied.
    #[error("failed to set the retention: batch markers must be kept at least as long as the log")]
    Markers,
    /// A till that was away for less than the log would never hear of a deletion.
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
    /// Checks that nothing is lost between the three.
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

    /// How long a log item is kept: an absence up to this long is caught up with by the log.
    pub fn log_secs(self) -> u64 {
        self.log_secs
    }

    /// How long a batch's marker is kept, and with it the promise of exactly-once.
    pub fn marker_secs(self) -> u64 {
        self.marker_secs
    }

    /// How long a tombstone is kept; an unversioned write older than this may be of something deleted.
    pub fn tombstone_secs(self) -> u64 {
        self.tombstone_secs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retentions_that_would_lose_something_are_refused() {
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
