//! Every key of the accounts table.

use crate::dynamo::item::{Item, key};

/// The key of a user.
pub fn user(id: &str) -> Item {
    key(format!("USER#{id}"), "PROFILE")
}

/// The key of the item that maps a user name to its user and makes names unique.
pub fn name(username: &str) -> Item {
    key(format!("NAME#{username}"), "NAME")
}

/// The key of a family of refresh tokens (one sign-in on one device), in its user's partition so that
/// families can be listed.
pub fn family(user: &str, id: &str) -> Item {
    key(families(user), format!("{FAMILY_PREFIX}{id}"))
}

/// The key of a counter of failed sign-ins, of this kind and hash.
pub fn failures(kind: &str, hash: &str) -> Item {
    key(format!("FAILURES#{kind}#{hash}"), "FAILURES")
}

/// The key of a network, by its hash, from which a user has signed in.
pub fn known_network(user: &str, hash: &str) -> Item {
    key(families(user), format!("NETWORK#{hash}"))
}

/// The partition of a user's families.
pub fn families(user: &str) -> String {
    format!("USER#{user}")
}

/// The prefix of every family's sort key.
pub const FAMILY_PREFIX: &str = "FAMILY#";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_stored_form() {
        assert_eq!(user("u1"), key("USER#u1", "PROFILE"));
        assert_eq!(name("till-1"), key("NAME#till-1", "NAME"));
        assert_eq!(failures("name", "0a"), key("FAILURES#name#0a", "FAILURES"));
        assert_eq!(known_network("u1", "0a"), key("USER#u1", "NETWORK#0a"));
        assert_eq!(family("u1", "f1"), key("USER#u1", "FAMILY#f1"));
    }
}
