//! Every key of the carts table. No part can contain `#`, so none can be forged.

use protocol::ids::{CartId, Room};
use protocol::stamp::Stamp;

/// The partition of a cart.
pub fn cart(room: &Room, id: &CartId) -> String {
    format!("CART#{}#{}#{id}", room.client, room.branch)
}

/// The cart that a partition key names.
pub fn cart_of(pk: &str) -> Option<(Room, CartId)> {
    let mut parts = pk.strip_prefix("CART#")?.splitn(3, '#');
    let room = Room { client: parts.next()?.parse().ok()?, branch: parts.next()?.parse().ok()? };
    Some((room, parts.next()?.parse().ok()?))
}

/// The sort key of a cart as it was folded last.
pub const FOLDED: &str = "FOLDED";

/// The sort key of a change that was not folded into its cart yet: sixteen digits, so that keys sort by stamp.
pub fn change(stamp: Stamp) -> String {
    format!("PENDING#{:016}", stamp.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_keys_are_pinned_because_they_are_stored() {
        let here: Room = "1:2".parse().unwrap();
        assert_eq!(cart(&here, &"c-1".parse().unwrap()), "CART#1#2#c-1");
        assert_eq!(cart_of("CART#1#2#c-1"), Some((here, "c-1".parse().unwrap())));
        assert_eq!(cart_of("CART#1#2"), None);
        assert_eq!(change(Stamp(7)), "PENDING#0000000000000007");
    }
}
