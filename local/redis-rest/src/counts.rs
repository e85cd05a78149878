//! Counts what the server has served, as the service would bill it.

use std::ops::Sub;

/// Totals since the server started. Subtract two of them to count what happened in between.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// HTTP requests: round trips.
    pub requests: u64,
    /// Commands, whether alone, in a pipeline or in a transaction; a subscription is one.
    pub commands: u64,
    /// Billed commands: one for each command that was not refused, and one more for each command that a
    /// script runs (if [`bill_scripts`](crate::server::ServerOptions::bill_scripts) is on).
    pub billed: u64,
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, earlier: Counts) -> Counts {
        Counts {
            requests: self.requests.saturating_sub(earlier.requests),
            commands: self.commands.saturating_sub(earlier.commands),
            billed: self.billed.saturating_sub(earlier.billed),
        }
    }
}
