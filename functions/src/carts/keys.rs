//! Every key of the carts table. No part can contain `#`, so no part can forge another key.

use protocol::ids::{CartId, Room};
use protocol::stamp::Stamp;

/// The partition of a cart.
pub fn cart(room: &Room, id: &CartId) -> String {
    format!("CART#{}#{}#{id}", room.client, room.branch)
}

/// The cart of a partition key.
pub fn cart_of(pk: &str) -> Option<(Room, CartId)> {
    let mut parts = pk.strip_prefix("CART#")?.splitn(3, '#');
    let room = Room { client: parts.next()?.parse().ok()?, branch: parts.next()?.parse().ok()? };
    Some((room, parts.next()?.parse().ok()?))
}

/// The sort key of the compacted cart.
pub const COMPACTED: &str = "FOLDED";

/// The sort key of a pending change: sixteen digits, so that keys sort by stamp.
pub fn change(stamp: Stamp) -> String {
    format!("PENDING#{:016}", stamp.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_stored_form() {
        let here: Room = "1:2".parse().unwrap();
        assert_eq!(cart(&here, &"c-1".parse().unwrap()), "CART#1#2#c-1");
        assert_eq!(cart_of("CART#1#2#c-1"), Some((here, "c-1".parse().unwrap())));
        assert_eq!(cart_of("CART#1#2"), None);
        assert_eq!(COMPACTED, "FOLDED");
        assert_eq!(change(Stamp(7)), "PENDING#0000000000000007");
    }
}
