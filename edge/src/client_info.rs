//! Address and user agent of a client.

use auth::address::network;
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

    /// The address, if it is known.
    pub(crate) fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The key that requests are counted under.
    pub(crate) fn rate_limit_key(&self) -> String {
        self.address.as_deref().map_or_else(|| UNKNOWN.to_owned(), network)
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
    fn clients_without_an_address_share_a_key() {
        assert_eq!(ClientInfo::new(Some("2001:db8::9"), None).rate_limit_key(), "2001:db8:0:0::/64");
        assert_eq!(ClientInfo::default().rate_limit_key(), "unknown");
    }
}
