//! Address and user agent of a client.

use std::net::IpAddr;

use auth::limits::{ADDRESS_BYTES_MAX, AGENT_BYTES_MAX};
use protocol::wire::{ADDRESS_HEADER, AGENT_HEADER};

/// The header with the client's address. The platform sets it; a client cannot.
pub(crate) const CONNECTING_ADDRESS_HEADER: &str = "cf-connecting-ip";

/// The rate limit key of clients without an address, as on a local stack.
const UNKNOWN: &str = "unknown";

/// Address and user agent of a client, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientInfo {
    address: Option<String>,
    agent: Option<String>,
}

impl ClientInfo {
    /// From the values of [`CONNECTING_ADDRESS_HEADER`] and `User-Agent`.
    pub(crate) fn new(address: Option<&str>, agent: Option<&str>) -> ClientInfo {
        ClientInfo {
            address: address.and_then(|text| plain(text, ADDRESS_BYTES_MAX)),
            agent: agent.and_then(|text| plain(text, AGENT_BYTES_MAX)),
        }
    }

    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let pairs = [(ADDRESS_HEADER, &self.address), (AGENT_HEADER, &self.agent)];
        pairs.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }

    /// The key that requests are counted under: the address, or the /64 network of an IPv6 address, since one
    /// client usually has a whole /64 (RFC 6177).
    pub(crate) fn rate_limit_key(&self) -> String {
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

/// `text` as a header value that a signature covers unchanged: printable ASCII with single spaces, at most
/// `bytes`.
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
    fn headers_hold_what_is_known() {
        let client_info = ClientInfo::new(Some("203.0.113.7"), Some("Mozilla/5.0 (X11)"));
        let expected = [("x-tillsync-address", "203.0.113.7"), ("x-tillsync-agent", "Mozilla/5.0 (X11)")];
        assert_eq!(client_info.headers(), expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(ClientInfo::new(None, Some(" \u{7f} ")).headers(), []);
    }

    #[test]
    fn values_are_short_and_have_one_spelling() {
        let agent = |text: &str| ClientInfo::new(None, Some(text)).agent.unwrap();
        assert_eq!(agent(" a\t b\u{0}\u{1b}c  d "), "a b c d");
        assert_eq!(agent("Bürokasse"), "B?rokasse");
        assert_eq!(agent(&"x".repeat(300)).len(), 256);
        assert_eq!(agent(&format!("{} y", "x".repeat(255))).len(), 255);
        assert_eq!(ClientInfo::new(Some(&"1".repeat(65)), None).address.unwrap().len(), 64);
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        let key = |address: &str| ClientInfo::new(Some(address), None).rate_limit_key();
        assert_eq!(key("203.0.113.7"), "203.0.113.7");
        assert_eq!(key("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(key("2001:db8:0:1:2:3:4:5"), "2001:db8:0:1::/64");
        assert_eq!(key("2001:0db8:0000:0001::9"), "2001:db8:0:1::/64");
        assert_ne!(key("2001:db8:0:2::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("not an address"), "not an address");
        assert_eq!(ClientInfo::default().rate_limit_key(), "unknown");
    }
}
