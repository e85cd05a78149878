//! Scripts that a stock Redis would refuse: those that begin with `#!lua flags=allow-key-locking`.
//!
//! The flag is taken out, and the header with it if it has no other; the line stays, so that errors name
//! the same line as the service does. Clients name scripts by the hash of the text that they sent; a map
//! leads from that to the hash by which the engine knows it. A script that the map does not know is
//! forwarded as it is, and the engine answers NOSCRIPT, whereupon clients send the text.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha1::{Digest, Sha1};

use crate::command;
use crate::request::Arguments;
use crate::resp::Reply;

/// The flag that only the service knows.
const KEY_LOCKING: &str = "allow-key-locking";
/// How many scripts are remembered; beyond it all are forgotten, and clients send their texts again.
const SCRIPTS_MAX: usize = 10_000;

/// The scripts that the engine knows by another hash than the clients.
#[derive(Default)]
pub(crate) struct Scripts(Mutex<HashMap<String, String>>);

/// How the engine's reply is to be read: its hash of a script for the client's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    engine: String,
    client: String,
    /// Whether the reply is the hash itself, as that of SCRIPT LOAD is.
    is_reply: bool,
}

impl Scripts {
    /// Rewrites a command that carries or names scripts. `wrap` makes the engine's text of a client's.
    pub(crate) fn rewrite(
        &self,
        arguments: &mut Arguments,
        wrap: impl FnOnce(Bytes) -> Bytes,
    ) -> Option<Alias> {
        let name = command::name(arguments);
        let second = arguments.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match (name.as_str(), second.as_slice()) {
            ("EVAL" | "EVAL_RO", _) => self.replace_text(arguments.get_mut(1)?, false, wrap),
            ("SCRIPT", b"LOAD") => self.replace_text(arguments.get_mut(2)?, true, wrap),
            ("EVALSHA" | "EVALSHA_RO", _) => self.replace_hash(arguments.get_mut(1)?),
            ("SCRIPT", b"EXISTS") => {
                for hash in arguments.iter_mut().skip(2) {
                    self.replace_hash(hash);
                }
                None
            }
            ("SCRIPT", b"FLUSH") => {
                self.known().clear();
                None
            }
            _ => None,
        }
    }

    fn replace_text(
        &self,
        text: &mut Bytes,
        is_reply: bool,
        wrap: impl FnOnce(Bytes) -> Bytes,
    ) -> Option<Alias> {
        let rewritten = wrap(without_key_locking(text));
        if rewritten == *text {
            return None;
        }
        let alias = Alias { engine: hash(&rewritten), client: hash(text), is_reply };
        let mut known = self.known();
        if known.len() >= SCRIPTS_MAX {
            known.clear();
        }
        known.insert(alias.client.clone(), alias.engine.clone());
        *text = rewritten;
        Some(alias)
    }

    fn replace_hash(&self, hash: &mut Bytes) -> Option<Alias> {
        let client = String::from_utf8_lossy(hash).to_lowercase();
        let engine = self.known().get(&client)?.clone();
        *hash = Bytes::from(engine.clone());
        Some(Alias { engine, client, is_reply: false })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, String>> {
        // Each change of the map is a single call.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alias {
    /// The reply as the client is to see it: scripts that fail are named by their hash.
    pub(crate) fn restore(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Error(text) => match std::str::from_utf8(&text) {
                Ok(readable) => Reply::error(readable.replace(&self.engine, &self.client)),
                Err(_) => Reply::Error(text),
            },
            Reply::Bulk(_) if self.is_reply => Reply::Bulk(Bytes::from(self.client.clone())),
            other => other,
        }
    }
}

/// By what Redis names a script.
pub(crate) fn hash(text: &[u8]) -> String {
    Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn without_key_locking(text: &Bytes) -> Bytes {
    let end = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
    let (header, rest) = text.split_at(end);
    let Some(header) = std::str::from_utf8(header).ok().and_then(|line| line.strip_prefix("#!")) else {
        return text.clone();
    };
    let mut words = Vec::new();
    let mut found = false;
    for word in header.split_ascii_whitespace() {
        let Some(flags) = word.strip_prefix("flags=") else {
            words.push(word.to_owned());
            continue;
        };
        let others: Vec<&str> = flags.split(',').filter(|flag| flag.trim() != KEY_LOCKING).collect();
        found |= others.len() < flags.split(',').count();
        if !others.is_empty() {
            words.push(format!("flags={}", others.join(",")));
        }
    }
    match (found, words.len()) {
        (false, _) => text.clone(),
        // The engine's name alone says nothing.
        (true, ..=1) => Bytes::copy_from_slice(rest),
        (true, _) => [b"#!", words.join(" ").as_bytes(), rest].concat().into(),
    }
}

#[cfg(test)]
mod tests;
