//! Rewrites scripts that a stock Redis would refuse: those that begin with `#!lua flags=allow-key-locking`.
//!
//! The flag is removed, and the header with it if it has no other flag; the line stays, so that errors name
//! the same line as the service does. Clients name a script by the hash of the text that they sent; a map
//! leads from it to the hash of the rewritten text. An unknown hash is forwarded as it is: the engine replies
//! NOSCRIPT, and clients then send the text.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha1::{Digest, Sha1};

use crate::command;
use crate::request::Arguments;
use crate::resp::Reply;

/// The flag that only the service knows.
const KEY_LOCKING: &str = "allow-key-locking";
/// Maximum number of rewritten scripts. Beyond it all are forgotten, and clients send their texts again.
const SCRIPTS_MAX: usize = 10_000;

/// Rewritten scripts: the engine's hash by the client's.
#[derive(Default)]
pub(crate) struct Scripts(Mutex<HashMap<String, String>>);

/// The two hashes of a rewritten script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    engine: String,
    client: String,
    /// Whether the reply is the hash itself, as that of SCRIPT LOAD is.
    is_reply: bool,
}

impl Scripts {
    /// Rewrites a command that carries or names scripts. `wrap` is applied to each text after that.
    pub(crate) fn rewrite(
        &self,
        arguments: &mut Arguments,
        wrap: impl FnOnce(Bytes) -> Bytes,
    ) -> Option<Alias> {
        let name = command::name(arguments);
        let subcommand = arguments.get(1).map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match (name.as_str(), subcommand.as_slice()) {
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
                self.hashes().clear();
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
        let mut hashes = self.hashes();
        if hashes.len() >= SCRIPTS_MAX {
            hashes.clear();
        }
        hashes.insert(alias.client.clone(), alias.engine.clone());
        *text = rewritten;
        Some(alias)
    }

    fn replace_hash(&self, hash: &mut Bytes) -> Option<Alias> {
        let client = String::from_utf8_lossy(hash).to_lowercase();
        let engine = self.hashes().get(&client)?.clone();
        *hash = Bytes::from(engine.clone());
        Some(Alias { engine, client, is_reply: false })
    }

    fn hashes(&self) -> MutexGuard<'_, HashMap<String, String>> {
        // A panic under the lock cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alias {
    /// The reply with the client's hash: errors name the script by it.
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

/// The hash by which Redis names a script.
pub(crate) fn hash(text: &[u8]) -> String {
    hex::encode(Sha1::digest(text))
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
        // A header without flags is left out.
        (true, ..=1) => Bytes::copy_from_slice(rest),
        (true, _) => [b"#!", words.join(" ").as_bytes(), rest].concat().into(),
    }
}

#[cfg(test)]
mod tests;
