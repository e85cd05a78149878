//! The commits that a room delivered recently. Each arrives twice, by the fast and by the sure path.

use std::collections::VecDeque;

use protocol::limits::RECENT_COMMITS_MAX;
use protocol::stamp::Stamp;

/// The last stamp of each recent commit. In memory only: after a loss the room sends duplicates, and tills
/// drop them.
#[derive(Debug, Default)]
pub(super) struct RecentCommits(VecDeque<Stamp>);

impl RecentCommits {
    /// Records the commit that ends with `last`; whether it is new.
    pub(super) fn insert(&mut self, last: Stamp) -> bool {
        // A scan of a few hundred numbers is faster than hashing. Duplicates are close together, so it starts
        // at the end.
        if self.0.iter().rev().any(|known| *known == last) {
            return false;
        }
        if self.0.len() >= RECENT_COMMITS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_new_once() {
        let mut recent = RecentCommits::default();
        assert!(recent.insert(Stamp(5)));
        assert!(recent.insert(Stamp(4)));
        assert!(!recent.insert(Stamp(5)));
        assert!(!recent.insert(Stamp(4)));
    }

    #[test]
    fn a_full_list_drops_its_oldest_entry() {
        let mut recent = RecentCommits::default();
        for i in 0..=RECENT_COMMITS_MAX as u64 {
            assert!(recent.insert(Stamp(i)));
        }
        assert_eq!(recent.0.len(), RECENT_COMMITS_MAX);
        assert!(!recent.insert(Stamp(1)));
        assert!(recent.insert(Stamp(0)));
    }
}
