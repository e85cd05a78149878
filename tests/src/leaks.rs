//! Finds secrets in logs and stores.

use std::collections::BTreeMap;
use std::sync::Mutex;

use aho_corasick::{AhoCorasick, BuildError};
use protocol::wire::auth::SessionResponse;
use protocol::wire::ticket::SocketTicketResponse;
use serde_json::Value;

use crate::lock;

/// Characters of a secret below which it could occur by chance.
const SECRET_CHARS_MIN: usize = 12;

/// Secrets, each with its description.
#[derive(Default)]
pub struct Secrets(Mutex<BTreeMap<String, &'static str>>);

impl Secrets {
    /// Adds a secret. Its lines count one by one, since a log may show only one of them.
    pub fn add(&self, what: &'static str, secret: &str) {
        let lines = secret.lines().filter(|line| line.len() >= SECRET_CHARS_MIN && !line.starts_with("---"));
        lock(&self.0).extend(lines.map(|line| (line.to_owned(), what)));
    }

    /// Adds the part of a token without which the rest is of no use: the last one.
    pub fn add_token(&self, what: &'static str, token: &str) {
        self.add(what, token.rsplit('.').next().unwrap_or_default());
    }

    /// Adds the tokens and the ticket in the body of a reply, if it has any.
    pub fn add_reply(&self, body: &str) {
        if let Ok(session) = serde_json::from_str::<SessionResponse>(body) {
            self.add_token("an access token", &session.access_token);
            self.add_token("a refresh token", &session.refresh_token);
        }
        if let Ok(issued) = serde_json::from_str::<SocketTicketResponse>(body) {
            self.add_token("a ticket", &issued.ticket);
        }
    }

    /// Adds the password in the body of a request, if it has any. A wrong one counts too: it may be right
    /// elsewhere.
    pub fn add_request(&self, body: &[u8]) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(password) = body.get("password").and_then(Value::as_str) {
            self.add("a password", password);
        }
    }

    /// A finder of the secrets so far.
    pub fn finder(&self) -> Result<Finder, BuildError> {
        let secrets = lock(&self.0);
        let matcher = AhoCorasick::new(secrets.keys())?;
        Ok(Finder { matcher, descriptions: secrets.values().copied().collect() })
    }
}

/// Finds any of many secrets in one pass.
pub struct Finder {
    matcher: AhoCorasick,
    descriptions: Vec<&'static str>,
}

impl Finder {
    /// The description of the first secret in `bytes`, and the text before it, which shows where it is.
    pub fn find(&self, bytes: &[u8]) -> Option<(&'static str, String)> {
        /// Bytes that are enough to recognise a place.
        const CONTEXT_BYTES: usize = 80;
        let found = self.matcher.find(bytes)?;
        let start = found.start().saturating_sub(CONTEXT_BYTES);
        let before = bytes.get(start..found.start()).unwrap_or_default();
        let description = self.descriptions.get(found.pattern().as_usize()).copied().unwrap_or_default();
        Some((description, String::from_utf8_lossy(before).into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let secrets = Secrets::default();
        secrets.add("a key", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n");
        secrets.add_reply(
            r#"{"accessToken":"eyJh.eyJz.c2lnbmF0dXJlIG9m","refreshToken":"u1.f1.dGhlIHNlY3JldCBv","expiresIn":900,
                "user":{"id":"u1","username":"anna","role":"cashier","client_id":"1","branch_id":"2"}}"#,
        );
        secrets.add_reply(r#"{"ticket":"0a1b.1765104930.00112233445566778899aabbccddeeff","expires_in":30}"#);
        secrets.add_request(br#"{"username":5,"password":"correct horse"}"#);
        secrets.add_request(br#"{"username":"anna","password":"short"}"#);
        secrets.add_request(b"password");
        secrets
    }

    #[test]
    fn each_kind_of_secret_is_found_with_its_place() {
        let finder = secrets().finder().unwrap();
        for (log, what) in [
            ("the key is MC4CAQAwBQYDK2Vw, sorry", "a key"),
            ("GET /ws?token=eyJh.eyJz.c2lnbmF0dXJlIG9m&device_id=d 101", "an access token"),
            ("failed to refresh u1.f1.dGhlIHNlY3JldCBv", "a refresh token"),
            ("anna said correct horse", "a password"),
            ("GET /ws?ticket=0a1b.1765104930.00112233445566778899aabbccddeeff 101", "a ticket"),
        ] {
            let bytes = [b"\xff\0".as_slice(), log.as_bytes()].concat();
            let (found, before) = finder.find(&bytes).unwrap();
            assert_eq!(found, what);
            assert!(before.contains(&log[..7]), "{before}");
        }
    }

    #[test]
    fn the_parts_of_a_token_that_are_no_secret_are_not_found() {
        let finder = secrets().finder().unwrap();
        for log in ["eyJh.eyJz.", "FAMILY#f1", "-----BEGIN PRIVATE KEY-----", "anna", "short", ""] {
            assert_eq!(finder.find(log.as_bytes()), None, "{log}");
        }
    }

    #[test]
    fn the_platform_leaves_the_query_out_of_its_logs_and_traces() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../wrangler.toml");
        let wrangler: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        assert_eq!(wrangler["observability"]["redact_query_string"], toml::Value::Boolean(true));
    }
}
