//! Where a request comes from: the caller's address, and the program it says it is.

use std::net::IpAddr;

use auth::limits::{ADDRESS_BYTES_MAX, AGENT_BYTES_MAX};
use protocol::wire::{ADDRESS_HEADER, AGENT_HEADER};

/// The header in which the platform tells the caller's address. Callers cannot set it, and no other is believed.
pub(crate) const CONNECTING_ADDRESS_HEADER: &str = "cf-connecting-ip";

/// All whose address nobody tells, as on a machine of our own, are one caller.
const UNKNOWN: &str = "unknown";

/// Where a request comes from, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    address: Option<String>,
    agent: Option<String>,
}

impl Origin {
    /// The origin of a request with these values of [`CONNECTING_ADDRESS_HEADER`] and `User-Agent`.
    pub(crate) fn new(address: Option<&str>, agent: Option<&str>) -> Origin {
        Origin {
            address: address.and_then(|text| plain(text, ADDRESS_BYTES_MAX)),
            agent: agent.and_then(|text| plain(text, AGENT_BYTES_MAX)),
        }
    }

    /// The headers by which a function is told.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let pairs = [(ADDRESS_HEADER, &self.address), (AGENT_HEADER, &self.agent)];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    /// Who is counted as one caller. Whoever has an IPv6 address has at least 2^64 of them, the network's.
    pub(crate) fn caller(&self) -> String {
        let Some(address) = &self.address else { return UNKNOWN.to_owned() };
        match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Ok(address) => address.to_string(),
            Err(_) => address.clone(),
        }
    }
}

/// `text` as a header's value that is signed as it is read: printable ASCII with single spaces, at most `bytes` of it.
fn plain(text: &str, bytes: usize) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut plain = words.collect::<Vec<_>>().join(" ").replace(|c: char| !c.is_ascii(), "?");
    plain.truncate(bytes);
    let end = plain.trim_end().len();
    plain.truncate(end);
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_told_what_is_known() {
        let origin = Origin::new(Some("203.0.113.7"), Some("Mozilla/5.0 (X11)"));
        let told = [("x-tillsync-address", "203.0.113.7"), ("x-tillsync-agent", "Mozilla/5.0 (X11)")];
        assert_eq!(origin.headers(), told.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(Origin::new(None, Some(" \u{7f} ")).headers(), []);
    }

    #[test]
    fn what_is_told_is_short_and_has_one_way_to_be_signed() {
        let agent = |text: &str| Origin::new(None, Some(text)).agent.unwrap();
        assert_eq!(agent(" a\t b\u{0}\u{1b}c  d "), "a b c d");
        assert_eq!(agent("Bürokasse"), "B?rokasse");
        assert_eq!(agent(&"x".repeat(300)).len(), 256);
        assert_eq!(agent(&format!("{} y", "x".repeat(255))).len(), 255);
        assert_eq!(Origin::new(Some(&"1".repeat(65)), None).address.unwrap().len(), 64);
    }

    #[test]
    fn a_network_that_one_caller_has_to_itself_is_one_caller() {
        let caller = |address: &str| Origin::new(Some(address), None).caller();
        assert_eq!(caller("203.0.113.7"), "203.0.113.7");
        assert_eq!(caller("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(caller("2001:db8:0:1:2:3:4:5"), "2001:db8:0:1::/64");
        assert_eq!(caller("2001:0db8:0000:0001::9"), "2001:db8:0:1::/64");
        assert_ne!(caller("2001:db8:0:2::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("not an address"), "not an address");
        assert_eq!(Origin::default().caller(), "unknown");
    }
}
