//! Last-writer-wins: the later time by the till's clock wins; the device id breaks a tie.

use super::Winner;
use protocol::ids::DeviceId;
use protocol::timestamp::Timestamp;

/// One side of a conflict.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The time of the write by the till's clock.
    pub modified_at: Timestamp,
    /// The device that wrote it.
    pub device: &'a DeviceId,
}

/// The winner, which does not depend on the order of arrival.
pub fn winner(server: Side<'_>, incoming: Side<'_>) -> Winner {
    let server = (server.modified_at, server.device);
    if (incoming.modified_at, incoming.device) > server { Winner::Incoming } else { Winner::Server }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn side(side: &(u64, DeviceId)) -> Side<'_> {
        Side { modified_at: Timestamp(side.0), device: &side.1 }
    }

    fn any_side() -> impl Strategy<Value = (u64, DeviceId)> {
        (0..5_u64, "[a-c]").prop_map(|(at, device)| (at, device.parse().unwrap()))
    }

    /// Applies the writes one after the other, as the server does.
    fn last(writes: &[(u64, DeviceId)]) -> (u64, DeviceId) {
        let stays = |kept: &(u64, DeviceId), next: &(u64, DeviceId)| match winner(side(kept), side(next)) {
            Winner::Server => kept.clone(),
            Winner::Incoming => next.clone(),
        };
        writes.iter().skip(1).fold(writes[0].clone(), |kept, next| stays(&kept, next))
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            (writes, shuffled) in prop::collection::vec(any_side(), 1..6)
                .prop_flat_map(|writes| (Just(writes.clone()), Just(writes).prop_shuffle())),
        ) {
            prop_assert_eq!(last(&writes), last(&shuffled));
        }

        #[test]
        fn repeating_a_write_changes_nothing(write in any_side()) {
            prop_assert_eq!(winner(side(&write), side(&write)), Winner::Server);
        }
    }
}
