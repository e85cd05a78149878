//! The heads of its room that a till was told, and those that it has pulled for.

use protocol::follow::is_behind;
use protocol::stamp::Stamp;

/// A restarted till has forgotten them, and pulls anyway.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heads {
    /// The latest one.
    told: Stamp,
    /// The latest one when the last page was asked for.
    asked_for: Stamp,
    /// The latest one when the last page of a complete pull was asked for.
    pulled_for: Stamp,
}

impl Heads {
    /// The till is told `head`. Returns whether it has to pull from `position`.
    pub(super) fn tell(&mut self, position: Stamp, head: Stamp) -> bool {
        self.told = self.told.max(head);
        is_behind(position, self.pulled_for, head)
    }

    /// A page is asked for.
    pub(super) fn ask(&mut self) {
        self.asked_for = self.told;
    }

    /// The page that was asked for last is the last one of its pull.
    pub(super) fn end_pull(&mut self) {
        self.pulled_for = self.asked_for;
    }
}
