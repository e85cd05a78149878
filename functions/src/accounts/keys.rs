//! Every key of the accounts table.

/// A user's own item.
pub fn user(id: &str) -> [String; 2] {
    [format!("USER#{id}"), "PROFILE".to_owned()]
}

/// Which user has a name; it makes names unique.
pub fn name(username: &str) -> [String; 2] {
    [format!("NAME#{username}"), "NAME".to_owned()]
}

/// A family of refresh tokens: one sign-in on one device.
pub fn family(id: &str) -> [String; 2] {
    [format!("FAMILY#{id}"), "FAMILY".to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_keys_are_pinned_because_they_are_stored() {
        assert_eq!(user("u1"), ["USER#u1", "PROFILE"]);
        assert_eq!(name("till-1"), ["NAME#till-1", "NAME"]);
        assert_eq!(family("f1"), ["FAMILY#f1", "FAMILY"]);
    }
}
