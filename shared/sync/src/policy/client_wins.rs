//! Client-wins: of two concurrent writes, the one that arrived last stays. For what a device knows best.

use super::Winner;

/// Who wins: whoever came last.
pub fn winner() -> Winner {
    Winner::Incoming
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn of_any_concurrent_writes_the_last_to_arrive_stays(writes in prop::collection::vec(0..9_u8, 1..6)) {
            let stays = writes.iter().skip(1).fold(writes[0], |kept, &next| match winner() {
                Winner::Server => kept,
                Winner::Incoming => next,
            });
            prop_assert_eq!(Some(&stays), writes.last());
        }
    }
}
