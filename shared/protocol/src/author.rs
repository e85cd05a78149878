//! The device that a push counts as. A token that belongs to no device may name any, but what it writes is
//! not that device's own: both are in conflict like any two devices, and the broadcast reaches the device.

use crate::ids::{BadId, DeviceId};
use sha2::{Digest, Sha256};

/// Begins the name under which a token of no device writes. No sign-in binds a token to such a device.
const PREFIX: &str = "free:";

/// The device as which a token of no device writes in the name of `device`: the same for every user, because
/// tills change hands.
pub fn unbound(device: &DeviceId) -> DeviceId {
    let whole = format!("{PREFIX}{device}").parse();
    // Too long with the prefix.
    let hashed = |_| format!("{PREFIX}{}", hex::encode(Sha256::digest(device.as_str()))).parse();
    whole.or_else(hashed).unwrap_or_else(|_: BadId| device.clone())
}

/// Whether only tokens of no device write as `device`.
pub fn is_unbound(device: &DeviceId) -> bool {
    device.as_str().starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_has_a_name_for_tokens_of_no_device_and_no_two_share_it() {
        let longest = |last: char| format!("{}{last}", "x".repeat(127));
        let names = ["till-1".to_owned(), "free:till-1".to_owned(), longest('a'), longest('b')];
        let devices: Vec<DeviceId> = names.iter().map(|name| name.parse().unwrap()).collect();
        let unbound: std::collections::BTreeSet<DeviceId> = devices.iter().map(unbound).collect();
        assert_eq!(unbound.len(), devices.len());
        assert!(unbound.iter().all(is_unbound) && !is_unbound(&devices[0]));
        assert_eq!(super::unbound(&devices[0]).as_str(), "free:till-1");
    }
}
