//! Rewrites scripts and libraries that a stock Redis would refuse: those with the flag `allow-key-locking`.
//!
//! The flag is removed, and a guard takes its place that holds the script to the flag's rule. Clients name a
//! script by the hash of the text that they sent; a map leads from it to the hash of the rewritten text. An
//! unknown hash is forwarded as it is: the engine replies NOSCRIPT, and clients then send the text.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha1::{Digest, Sha1};

use crate::command;
use crate::request::Arguments;
use crate::resp::Reply;

mod guard;

/// Maximum number of rewritten scripts. Beyond it all are forgotten, and clients send their texts again.
const SCRIPTS_MAX: usize = 10_000;

/// Rewritten scripts: the engine's hash by the client's.
#[derive(Default)]
pub(crate) struct Scripts(Mutex<HashMap<String, String>>);

/// How the engine's reply to a command is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum View {
    AsIs,
    Script(Alias),
    /// To FUNCTION LIST.
    Libraries,
    /// To CONFIG GET.
    Configuration,
}

/// The two hashes of a rewritten script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    engine: String,
    client: String,
    /// Whether the reply is the hash itself, as that of SCRIPT LOAD is.
    is_reply: bool,
}

impl Scripts {
    /// Rewrites a command that carries or names scripts. Returns how to read its reply.
    pub(crate) fn rewrite(&self, arguments: &mut Arguments) -> View {
        let name = command::name(arguments);
        let alias = match (name.as_str(), command::subcommand(arguments).as_slice()) {
            ("EVAL" | "EVAL_RO", _) => self.replace_text(arguments.get_mut(1), false),
            ("SCRIPT", b"LOAD") => self.replace_text(arguments.get_mut(2), true),
            ("EVALSHA" | "EVALSHA_RO", _) => arguments.get_mut(1).and_then(|hash| self.replace_hash(hash)),
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
            ("FUNCTION", b"LOAD") => {
                if let Some(code) = arguments.last_mut() {
                    *code = guard::library(code).unwrap_or_else(|| code.clone());
                }
                None
            }
            ("FUNCTION", b"LIST") => return View::Libraries,
            _ => None,
        };
        alias.map_or(View::AsIs, View::Script)
    }

    fn replace_text(&self, text: Option<&mut Bytes>, is_reply: bool) -> Option<Alias> {
        let text = text?;
        let rewritten = guard::script(text)?;
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

impl View {
    /// The reply as the client expects it.
    pub(crate) fn show(&self, reply: Reply) -> Reply {
        match self {
            View::AsIs => reply,
            View::Script(alias) => alias.restore(reply),
            View::Libraries => guard::original_libraries(reply),
            View::Configuration => command::shown_parameters(reply),
        }
    }
}

impl Alias {
    /// The reply with the client's hash: errors name the script by it.
    fn restore(&self, reply: Reply) -> Reply {
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

#[cfg(test)]
mod tests;
