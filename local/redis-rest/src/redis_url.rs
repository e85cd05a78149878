//! Where a Redis is: `redis://[user:password@]host[:port][/database]`.

use bytes::Bytes;
use hyper::Uri;
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// Redis's own port.
const PORT: u16 = 6379;

/// The parts of a Redis's address. Has no `Debug`, since it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RedisUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// What is sent first on every connection: AUTH, SELECT.
    pub(crate) greeting: Vec<Vec<Bytes>>,
}

/// Why an address was refused. It does not show the address, which may hold a password.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("failed to read the address of Redis: {0}")]
pub struct RedisUrlError(&'static str);

impl RedisUrl {
    /// An engine of ours.
    pub(crate) fn local(port: u16, password: &str) -> RedisUrl {
        let greeting = vec![words(&["AUTH", password])];
        RedisUrl { host: "127.0.0.1".to_owned(), port, greeting }
    }

    /// Reads one.
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
            let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let (user, password) = (decode(user), decode(password));
            greeting.push(match user.as_str() {
                "" => words(&["AUTH", &password]),
                user => words(&["AUTH", user, &password]),
            });
        }
        match uri.path().trim_start_matches('/') {
            "" | "0" => {}
            number if number.parse::<u16>().is_ok() => greeting.push(words(&["SELECT", number])),
            _ => return Err(RedisUrlError("its path must be the number of a database")),
        }
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(RedisUrl { host, port: uri.port_u16().unwrap_or(PORT), greeting })
    }
}

fn words(words: &[&str]) -> Vec<Bytes> {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(text: &str) -> Vec<String> {
        let url = RedisUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        url.greeting.iter().map(|command| String::from_utf8(command.join(&b' ')).unwrap()).collect()
    }

    #[test]
    fn the_parts_are_told_apart() {
        let url = RedisUrl::parse("redis://127.0.0.1:7000").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((url.host.as_str(), url.port, url.greeting.len()), ("127.0.0.1", 7000, 0));
        let url = RedisUrl::parse("redis://[::1]").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((url.host.as_str(), url.port), ("::1", 6379));
        assert_eq!(greeting("redis://:p%40ss@h"), ["AUTH p@ss"]);
        assert_eq!(greeting("redis://u:p@h:1/3"), ["AUTH u p", "SELECT 3"]);
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_it() {
        for text in ["rediss://:secret@h", "http://:secret@h", "redis://:secret@h/x", "secret", ""] {
            let error = RedisUrl::parse(text).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| !error.contains("secret")), "{text}");
        }
    }
}
