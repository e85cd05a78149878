//! The address of the service.

use std::fmt;
use std::str::FromStr;

/// The service's URL without a slash at the end. Holds no secret, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// Not an address of the service. Does not quote the text, which may hold a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "failed to read the address of Redis: it must be like https://host or http://host:port, without user or query"
)]
pub struct BadAddress;

impl Address {
    /// The URL of a request with `path`, which begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let rest =
            text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(BadAddress)?;
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '@' | '?' | '#' | '\\' | '"' | '<' | '>');
        let fits = !rest.is_empty() && !rest.starts_with(['/', ':']) && rest.chars().all(plain);
        if fits { Ok(Address(text.to_owned())) } else { Err(BadAddress) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_without_secrets() {
        let address: Address = "https://eu1-till.upstash.io/".parse().unwrap();
        assert_eq!(address.at("/pipeline"), "https://eu1-till.upstash.io/pipeline");
        assert_eq!("http://127.0.0.1:8079".parse::<Address>().unwrap().at("/"), "http://127.0.0.1:8079/");
        for bad in [
            "",
            "https://",
            "https:///x",
            "http://:80",
            "redis://host",
            "host:8079",
            "https://user:s3cret@host",
            "https://host?_token=s3cret",
            "https://host#x",
            "https://ho st",
            "https://höst",
        ] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{bad}");
        }
    }
}
