//! Server-wins: of two concurrent writes, the one that arrived first stays. For what head office keeps.

use super::Winner;

/// Who wins: whoever came first.
pub fn winner() -> Winner {
    Winner::Server
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn of_any_concurrent_writes_the_first_to_arrive_stays(writes in prop::collection::vec(0..9_u8, 1..6)) {
            let stays = writes.iter().skip(1).fold(writes[0], |kept, &next| match winner() {
                Winner::Server => kept,
                Winner::Incoming => next,
            });
            prop_assert_eq!(stays, writes[0]);
        }
    }
}
