//! What counts as one client's address.

use std::net::IpAddr;

/// The network that requests from `address` are counted under: the address, or the /64 network of an IPv6
/// address, since one client usually has a whole /64 (RFC 6177).
pub fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(address) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_client() {
        assert_eq!(network("203.0.113.7"), "203.0.113.7");
        assert_eq!(network("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(network("2001:db8:0:1:2:3:4:5"), "2001:db8:0:1::/64");
        assert_eq!(network("2001:0db8:0000:0001::9"), "2001:db8:0:1::/64");
        assert_ne!(network("2001:db8:0:2::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("not an address"), "not an address");
    }
}
