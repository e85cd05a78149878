//! Every key of the accounts table.

/// A user's own item.
pub fn user(id: &str) -> [String; 2] {
    [format!("USER#{id}"), "PROFILE".to_owned()]
}

/// Which user has a name; it makes names unique.
pub fn name(username: &str) -> [String; 2] {
    [format!("NAME#{username}"), "NAME".to_owned()]
}

/// A family of refresh tokens, one sign-in on one device: beside its user's other ones, so that they can be listed.
pub fn family(user: &str, id: &str) -> [String; 2] {
    [format!("USER#{user}"), format!("{FAMILY_PREFIX}{id}")]
}

/// What the sort key of every family begins with.
pub const FAMILY_PREFIX: &str = "FAMILY#";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_keys_are_pinned_because_they_are_stored() {
        assert_eq!(user("u1"), ["USER#u1", "PROFILE"]);
        assert_eq!(name("till-1"), ["NAME#till-1", "NAME"]);
        assert_eq!(family("u1", "f1"), ["USER#u1", "FAMILY#f1"]);
    }
}
