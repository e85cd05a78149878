//! The address of a Redis: `redis://[user:password@]host[:port][/database]`.

use axum::http::Uri;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use crate::request::{Arguments, arguments};

/// Redis's default port.
const PORT: u16 = 6379;

/// A parsed address. Has no `Debug`, since it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Commands that begin every connection: AUTH, SELECT.
    pub(crate) greeting: Vec<Arguments>,
}

/// Why an address is refused. It does not contain the address, which may hold a password.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("failed to read the address of Redis: {0}")]
pub struct RedisUrlError(&'static str);

impl RedisUrl {
    /// The address of an engine of our own.
    pub(crate) fn local(port: u16, password: &str) -> RedisUrl {
        RedisUrl { host: "127.0.0.1".to_owned(), port, greeting: vec![arguments(["AUTH", password])] }
    }

    /// For commands that belong to no database.
    pub(crate) fn without_database(&self) -> RedisUrl {
        let mut url = self.clone();
        url.greeting.retain(|command| command.first().is_some_and(|name| name == "AUTH"));
        url
    }

    pub(crate) fn parse(text: &str) -> Result<RedisUrl, RedisUrlError> {
        let uri: Uri = text.parse().map_err(|_| RedisUrlError("it is not a URL"))?;
        if uri.scheme_str() != Some("redis") {
            return Err(RedisUrlError("it must begin with redis:// (without TLS)"));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(RedisUrlError("it has no host"))?;
        let mut greeting = Vec::new();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if let Some((credentials, _)) = authority.rsplit_once('@') {
            let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
            let decode = |text| percent_decode_str(text).decode_utf8_lossy();
            let (user, password) = (decode(user), decode(password));
            let user = Some(user.as_ref()).filter(|user| !user.is_empty());
            greeting.push(arguments(["AUTH"].into_iter().chain(user).chain([password.as_ref()])));
        }
        match uri.path().trim_start_matches('/') {
            "" | "0" => {}
            number if number.parse::<u16>().is_ok() => greeting.push(arguments(["SELECT", number])),
            _ => return Err(RedisUrlError("its path must be the number of a database")),
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(RedisUrl { host, port: uri.port_u16().unwrap_or(PORT), greeting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(text: &str) -> Vec<String> {
        let url = RedisUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        url.greeting.iter().map(|command| String::from_utf8(command.join(&b' ')).unwrap()).collect()
    }

    #[test]
    fn the_parts_of_an_address_are_read() {
        let url = RedisUrl::parse("redis://127.0.0.1:7000").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((url.host.as_str(), url.port, url.greeting.len()), ("127.0.0.1", 7000, 0));
        let url = RedisUrl::parse("redis://[::1]").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((url.host.as_str(), url.port), ("::1", 6379));
        assert_eq!(greeting("redis://:p%40ss@h"), ["AUTH p@ss"]);
        assert_eq!(greeting("redis://u:p@h:1/3"), ["AUTH u p", "SELECT 3"]);
        let url = RedisUrl::parse("redis://:p@h/3").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(url.without_database().greeting, [arguments(["AUTH", "p"])]);
    }

    #[test]
    fn an_error_does_not_contain_the_address() {
        for text in ["rediss://:secret@h", "http://:secret@h", "redis://:secret@h/x", "secret", ""] {
            let error = RedisUrl::parse(text).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| !error.contains("secret")), "{text}");
        }
    }
}
