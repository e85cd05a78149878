//! Lua scripts: several steps that run atomically, called by hash.
//!
//! The service bills a script as one command and one for each command that it calls. A script locks the whole
//! database, unless its text begins with [`LOCKS_ITS_KEYS`], which promises that it uses no keys but its own
//! arguments.

use sha1::{Digest, Sha1};

use super::arguments::Arguments;
use super::command::{Command, Repeat};
use super::keys::Key;
use super::reply::Reply;
use super::value::Value;

/// The first line of a script that uses no keys but its arguments; the service then locks only those.
pub const LOCKS_ITS_KEYS: &str = "#!lua flags=allow-key-locking";

/// A script, and whether it may run twice.
#[derive(Clone, Debug)]
pub struct Script {
    text: &'static str,
    sha1: String,
    repeat: Repeat,
}

impl Script {
    /// A script that leaves the same state behind however often it runs.
    pub fn idempotent(text: &'static str) -> Script {
        Script::new(text, Repeat::Safe)
    }

    /// A script that counts, appends or decides, and so must not run twice.
    pub fn once(text: &'static str) -> Script {
        Script::new(text, Repeat::Unsafe)
    }

    fn new(text: &'static str, repeat: Repeat) -> Script {
        Script { text, sha1: hex::encode(Sha1::digest(text)), repeat }
    }

    /// The text.
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// The text's SHA-1 in hexadecimal digits, by which Redis knows the script.
    pub fn sha1(&self) -> &str {
        &self.sha1
    }

    /// A call with `keys` (Lua's `KEYS`) and `values` (Lua's `ARGV`): by hash, and with the text if the
    /// server does not know the hash.
    pub fn call(&self, keys: &[&Key], values: &[Value]) -> Command<Reply> {
        let complete = |arguments: Arguments| {
            let arguments = arguments.with(keys.len()).keys(keys.iter().copied());
            values.iter().fold(arguments, Arguments::value)
        };
        Command {
            arguments: complete(Arguments::new("EVALSHA").with(&self.sha1)),
            with_script_text: Some(complete(Arguments::new("EVAL").with(self.text))),
            repeat: self.repeat,
            decode: Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::key;

    #[test]
    fn a_call_is_by_hash_and_holds_the_text_in_reserve() {
        let script = Script::once("return 1");
        let call = script.call(&[&key("a"), &key("b")], &[Value::from(7)]);
        // As `redis-cli script load "return 1"` replies.
        assert_eq!(script.sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
        let by_hash = ["EVALSHA", script.sha1(), "2", "t:1:cart:2:a", "t:1:cart:2:b", "7"];
        assert_eq!(call.arguments.as_slice(), by_hash);
        let with_text = ["EVAL", "return 1", "2", "t:1:cart:2:a", "t:1:cart:2:b", "7"];
        assert_eq!(call.with_script_text.unwrap().as_slice(), with_text);
        assert_eq!(call.repeat, Repeat::Unsafe);
        assert_eq!(Script::idempotent("return 1").call(&[], &[]).repeat, Repeat::Safe);
    }
}
