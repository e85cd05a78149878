//! Points in time in microseconds.

pub mod device_time;

use serde::{Deserialize, Serialize};

use device_time::DeviceTime;

/// Microseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 with exactly six digits and `Z`; any RFC 3339 between 1970 and 2255 is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

/// Seconds per day; days begin at midnight UTC.
pub const DAY_SECS: u64 = 24 * 3600;

/// Not an RFC 3339 date and time between 1970 and 2255.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("failed to read the time: it must be RFC 3339 between 1970 and 2255, such as 2025-12-07T10:30:00Z")]
pub struct NotATime;

impl Timestamp {
    /// The largest time that is exact as a JSON number in every client: 2^53 - 1, in the year 2255.
    pub const MAX: Timestamp = Timestamp((1 << 53) - 1);

    /// Parses RFC 3339; digits below a microsecond are dropped.
    pub fn parse(text: &str) -> Result<Timestamp, NotATime> {
        let read = DeviceTime::parse(text)?;
        let clamped = read.clamped();
        if DeviceTime::from(clamped) == read { Ok(clamped) } else { Err(NotATime) }
    }

    /// Whole seconds since the epoch.
    pub fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The date in UTC, such as `2025-12-07`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate("2025-12-07".len());
        text
    }

    /// The time `secs` seconds later.
    pub fn plus_secs(self, secs: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(secs.saturating_mul(1_000_000)))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        DeviceTime::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests;
