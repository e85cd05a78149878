//! The commits that a room delivered recently. Each arrives twice, by the fast and by the sure path.

use std::collections::VecDeque;

use protocol::ids::BranchId;
use protocol::limits::RECENT_COMMITS_MAX;
use protocol::stamp::Stamp;
use protocol::wire::publication::Publication;

/// The last stamp of each recent commit, and its branch: the commits of a hub are of many. In memory only:
/// after a loss the room sends duplicates, and tills drop them.
#[derive(Debug, Default)]
pub(super) struct RecentCommits(VecDeque<(Stamp, BranchId)>);

impl RecentCommits {
    /// Records a commit; whether it is new.
    pub(super) fn insert(&mut self, commit: &Publication) -> bool {
        let last = commit.last();
        // A scan of a few hundred numbers is faster than hashing. Duplicates are close together, so it starts
        // at the end.
        if self.0.iter().rev().any(|(stamp, branch)| *stamp == last && *branch == commit.branch_id) {
            return false;
        }
        if self.0.len() >= RECENT_COMMITS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((last, commit.branch_id.clone()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::socket_state::tests::commit;
    use super::*;

    fn at(stamp: u64) -> Publication {
        Publication { first: Stamp(stamp), ..commit("1:2", "till-1") }
    }

    #[test]
    fn a_commit_is_new_once() {
        let mut recent = RecentCommits::default();
        assert!(recent.insert(&at(5)));
        assert!(recent.insert(&at(4)));
        assert!(!recent.insert(&at(5)));
        assert!(!recent.insert(&at(4)));
    }

    #[test]
    fn branches_may_commit_in_the_same_microsecond() {
        let mut recent = RecentCommits::default();
        let other = Publication { branch_id: "3".parse().unwrap(), ..at(5) };
        assert!(recent.insert(&at(5)) && recent.insert(&other));
        assert!(!recent.insert(&at(5)) && !recent.insert(&other));
    }

    #[test]
    fn a_full_list_drops_its_oldest_entry() {
        let mut recent = RecentCommits::default();
        for i in 1..=RECENT_COMMITS_MAX as u64 + 1 {
            assert!(recent.insert(&at(i)));
        }
        assert_eq!(recent.0.len(), RECENT_COMMITS_MAX);
        assert!(!recent.insert(&at(2)));
        assert!(recent.insert(&at(1)));
    }
}
