//! How the edge finds out that the other end of a socket has vanished.

/// The default of `SOCKET_PING_AFTER_SECS`.
const PING_AFTER_SECS: u64 = 30;
/// The default of `SOCKET_PONG_WITHIN_SECS`.
const PONG_WITHIN_SECS: u64 = 10;
/// Seconds that either may be at most: an hour.
const SECS_MAX: u64 = 3600;

/// The times of the heartbeat. A longer silence before a ping wakes rooms less often: see OPERATIONS.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    /// Seconds of silence before a ping.
    pub(crate) ping_after_secs: u64,
    /// Seconds to answer a ping.
    pub(crate) pong_within_secs: u64,
}

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat { ping_after_secs: PING_AFTER_SECS, pong_within_secs: PONG_WITHIN_SECS }
    }
}

impl Heartbeat {
    /// Seconds for which the other end of a socket may give no sign.
    pub(crate) fn silence_secs(self) -> u64 {
        self.ping_after_secs + self.pong_within_secs
    }
}

/// Why a number of seconds is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it must be a number of seconds from 1 to {SECS_MAX}")]
pub(crate) struct BadSecs;

/// Parses a time of the heartbeat. Rooms check their sockets at whole seconds.
pub(super) fn secs(text: &str) -> Result<u64, BadSecs> {
    text.parse().ok().filter(|secs| (1..=SECS_MAX).contains(secs)).ok_or(BadSecs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_whole_number_of_seconds_up_to_an_hour() {
        assert_eq!((secs("1"), secs("3600")), (Ok(1), Ok(3600)));
        for bad in ["0", "3601", "", "-1", "1.5", "30s"] {
            assert_eq!(secs(bad), Err(BadSecs), "{bad}");
        }
    }
}
