//! The commits a room has delivered lately. Each comes twice, by the fast path and by the sure one.

use std::collections::VecDeque;

use protocol::limits::ROOM_REMEMBERS_MAX;
use protocol::stamp::Stamp;

/// The last stamps of the last commits. In memory only: who forgets them sends a double, and tills drop it.
#[derive(Debug, Default)]
pub(super) struct Remembered(VecDeque<Stamp>);

impl Remembered {
    /// Whether the commit that ends with `last` is new; from now on it is not.
    pub(super) fn is_new(&mut self, last: Stamp) -> bool {
        // A few hundred numbers side by side are looked through faster than they are hashed. Doubles come
        // soon after each other, so the search begins at the end.
        if self.0.iter().rev().any(|known| *known == last) {
            return false;
        }
        if self.0.len() >= ROOM_REMEMBERS_MAX {
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
        let mut remembered = Remembered::default();
        assert!(remembered.is_new(Stamp(5)));
        assert!(remembered.is_new(Stamp(4)));
        assert!(!remembered.is_new(Stamp(5)));
        assert!(!remembered.is_new(Stamp(4)));
    }

    #[test]
    fn the_oldest_is_forgotten_when_there_is_one_too_many() {
        let mut remembered = Remembered::default();
        for i in 0..=ROOM_REMEMBERS_MAX as u64 {
            assert!(remembered.is_new(Stamp(i)));
        }
        assert_eq!(remembered.0.len(), ROOM_REMEMBERS_MAX);
        assert!(!remembered.is_new(Stamp(1)));
        assert!(remembered.is_new(Stamp(0)));
    }
}
