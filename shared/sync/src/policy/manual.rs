//! Manual: a concurrent write changes nothing and is reported as such, so that somebody resolves it.

use super::Winner;

/// Who stays for now: the server's copy, whatever the clocks say.
pub fn winner() -> Winner {
    Winner::Server
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_number_of_concurrent_writes_changes_the_copy(writes in prop::collection::vec(0..9_u8, 1..6)) {
            let changed = writes.iter().any(|_| winner() == Winner::Incoming);
            prop_assert!(!changed);
        }
    }
}
