//! Lua scripts: several steps that nobody comes between, called by hash.
//!
//! A script is billed as one command and each that it calls. It locks the whole database, unless its text begins with
//! [`LOCKS_ITS_KEYS`], which promises that it touches the keys it is given and no others.

use sha1::{Digest, Sha1};

use super::arguments::Arguments;
use super::command::{Command, Repeat};
use super::keys::Key;
use super::reply::{Reply, ReplyError};
use super::value::Value;

/// The first line of a script that touches only the keys it is given; the service then locks those alone.
pub const LOCKS_ITS_KEYS: &str = "#!lua flags=allow-key-locking";

/// A script, with what running it twice would do.
#[derive(Clone, Debug)]
pub struct Script {
    text: &'static str,
    sha1: String,
    repeat: Repeat,
}

impl Script {
    /// A script that only reads.
    pub fn read_only(text: &'static str) -> Script {
        Script::new(text, Repeat::Safe)
    }

    /// A script that writes, and after which a second run changes nothing more.
    pub fn idempotent(text: &'static str) -> Script {
        Script::new(text, Repeat::Safe)
    }

    /// A script that counts, appends or decides: run twice, it would do it twice.
    pub fn once(text: &'static str) -> Script {
        Script::new(text, Repeat::Unsafe)
    }

    fn new(text: &'static str, repeat: Repeat) -> Script {
        let sha1 = Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Script { text, sha1, repeat }
    }

    /// The text.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The text's SHA-1 in hexadecimal digits, by which Redis knows it.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }

    /// A call with `keys` (Lua's `KEYS`) and `values` (Lua's `ARGV`).
    pub fn call(&self, keys: &[&Key], values: &[Value]) -> ScriptCall {
        let tail = |arguments: Arguments| {
            let arguments = arguments.with(keys.len()).keys(keys.iter().copied());
            values.iter().fold(arguments, Arguments::value)
        };
        ScriptCall {
            by_hash: tail(Arguments::of("EVALSHA").with(&self.sha1)),
            in_full: tail(Arguments::of("EVAL").with(self.text)),
            repeat: self.repeat,
        }
    }
}

/// One call of a script: by its hash, or with its text where the server does not know the hash.
#[derive(Clone, Debug)]
pub struct ScriptCall {
    by_hash: Arguments,
    in_full: Arguments,
    repeat: Repeat,
}

impl Command for ScriptCall {
    type Reply = Reply;

    fn arguments(&self) -> Arguments {
        self.by_hash.clone()
    }

    fn in_full(&self) -> Option<Arguments> {
        Some(self.in_full.clone())
    }

    fn repeat(&self) -> Repeat {
        self.repeat
    }

    fn decode(reply: Reply) -> Result<Reply, ReplyError> {
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::key;

    #[test]
    fn a_call_goes_by_hash_and_has_the_text_in_reserve() {
        let script = Script::once("return 1");
        let call = script.call(&[&key("a"), &key("b")], &[Value::from(7)]);
        // As `redis-cli script load "return 1"` answers.
        assert_eq!(script.sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
        let by_hash = ["EVALSHA", script.sha1(), "2", "t:1:cart:2:a", "t:1:cart:2:b", "7"];
        assert_eq!(call.arguments().as_slice(), by_hash);
        let in_full = ["EVAL", "return 1", "2", "t:1:cart:2:a", "t:1:cart:2:b", "7"];
        assert_eq!(call.in_full().unwrap().as_slice(), in_full);
        assert_eq!(call.repeat(), Repeat::Unsafe);
        assert_eq!(Script::read_only("return 1").call(&[], &[]).repeat(), Repeat::Safe);
        assert_eq!(Script::idempotent("return 1").call(&[], &[]).repeat(), Repeat::Safe);
    }
}
