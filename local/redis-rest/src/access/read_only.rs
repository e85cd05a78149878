//! The commands that the read-only token permits: those that the engine marks as `readonly`, and a few that
//! touch no data.
//!
//! SCAN, KEYS and PUBLISH are refused, as the documentation says. Read-only scripts and functions are
//! permitted; they run as a user of the engine that may do no more than the token, so that no script is a way
//! around it.

use std::collections::HashSet;

use crate::command;
use crate::connection::{ExchangeError, Pool};
use crate::error_text::no_permission;
use crate::redis_url::RedisUrl;
use crate::request::{self, Arguments};
use crate::resp::Reply;
use crate::script::hash;

/// Commands that touch no data.
const HARMLESS: [&str; 6] = ["COMMAND", "ECHO", "INFO", "LASTSAVE", "PING", "TIME"];
/// Commands that only read and are refused all the same.
const REFUSED: [&str; 2] = ["KEYS", "SCAN"];
/// What the token's user may do besides the engine's own category of commands that read. MULTI and EXEC
/// surround what is billed.
const ALSO: [&str; 12] = [
    "+multi",
    "+exec",
    "+discard",
    "+eval_ro",
    "+evalsha_ro",
    "+fcall_ro",
    "+command",
    "+echo",
    "+info",
    "+lastsave",
    "+ping",
    "+time",
];

/// Names of the commands that only read; `OBJECT|ENCODING` for a subcommand.
#[derive(Debug)]
pub(crate) struct ReadOnlyCommands(HashSet<String>);

impl ReadOnlyCommands {
    /// Asks the engine by COMMAND.
    pub(crate) async fn load(pool: &Pool) -> Result<ReadOnlyCommands, ExchangeError> {
        let replies = pool.exchange(&[request::arguments(["COMMAND"])]).await?;
        let mut marked = HashSet::new();
        for reply in &replies {
            collect(reply, &mut marked);
        }
        Ok(ReadOnlyCommands(marked))
    }

    pub(crate) fn permits(&self, arguments: &Arguments) -> bool {
        let name = command::name(arguments);
        let subcommand = arguments.get(1).map(|word| String::from_utf8_lossy(word).to_uppercase());
        let full_name = format!("{name}|{}", subcommand.unwrap_or_default());
        !REFUSED.contains(&name.as_str())
            && (HARMLESS.contains(&name.as_str()) || self.0.contains(&name) || self.0.contains(&full_name))
    }

    /// The error for a command that is not permitted.
    pub(crate) fn refusal(arguments: &Arguments) -> Reply {
        Reply::error(no_permission(&command::name(arguments)))
    }
}

/// The engine's address as a user that may do what the token may. Each new connection creates the user if it
/// is missing, so a restart of the engine needs no care. Name and password follow from the tokens: any number
/// of servers and starts make one user for each pair of tokens, and each its own.
pub(crate) fn user(url: &RedisUrl, token: &str, read_only_token: &str) -> RedisUrl {
    let digest = hash(format!("{token}\n{read_only_token}").as_bytes());
    let (name, password) = digest.split_at(digest.len() / 4);
    let name = format!("redis-rest-{name}");
    let password_rule = format!(">{password}");
    let refused = REFUSED.map(|name| format!("-{}", name.to_lowercase()));
    let mut create = vec!["ACL", "SETUSER", &name, "reset", "on", &password_rule, "~*", "-@all", "+@read"];
    create.extend(refused.iter().map(String::as_str).chain(ALSO));
    let mut url = url.clone();
    url.greeting.extend([request::arguments(create), request::arguments(["AUTH", &name, password])]);
    url
}

/// Collects the marked names. An entry of COMMAND holds a name, arity, flags, and further on its subcommands.
fn collect(entries: &Reply, marked: &mut HashSet<String>) {
    let Reply::Array(entries) = entries else { return };
    for entry in entries {
        let Reply::Array(parts) = entry else { continue };
        let name = parts.first().and_then(Reply::text);
        let is_marked = match parts.get(2) {
            Some(Reply::Array(flags)) => {
                flags.iter().any(|flag| flag.text().is_some_and(|flag| flag == "readonly"))
            }
            _ => false,
        };
        marked.extend(name.filter(|_| is_marked).map(|name| String::from_utf8_lossy(name).to_uppercase()));
        for part in parts.iter().skip(3) {
            collect(part, marked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Arguments {
        request::arguments(line.split(' '))
    }

    fn entry(name: &str, flags: &[&str], rest: Vec<Reply>) -> Reply {
        let text = |text: &str| Reply::Bulk(text.to_owned().into());
        let flags = flags.iter().map(|flag| Reply::Simple((*flag).to_owned().into())).collect();
        let mut parts = vec![text(name), Reply::Integer(2), Reply::Array(flags), Reply::Integer(1)];
        parts.extend(rest);
        Reply::Array(parts)
    }

    #[test]
    fn the_engines_flags_decide() {
        let subcommand = entry("object|encoding", &["readonly"], vec![]);
        let entries = Reply::Array(vec![
            entry("get", &["readonly", "fast"], vec![]),
            entry("set", &["write"], vec![]),
            entry("scan", &["readonly"], vec![]),
            entry("object", &[], vec![Reply::Array(vec![subcommand])]),
        ]);
        let mut marked = HashSet::new();
        collect(&entries, &mut marked);
        let commands = ReadOnlyCommands(marked);
        for (line, permitted) in [
            ("get a", true),
            ("OBJECT encoding a", true),
            ("ping", true),
            ("OBJECT freq a", false),
            ("SET a 1", false),
            ("SCAN 0", false),
            ("unknown", false),
        ] {
            assert_eq!(commands.permits(&arguments(line)), permitted, "{line}");
        }
    }

    #[test]
    fn a_refusal_names_the_command() {
        let expected = "NOPERM this user has no permissions to run the 'set' command or its subcommand";
        assert_eq!(ReadOnlyCommands::refusal(&arguments("SET a 1")), Reply::error(expected));
    }

    #[test]
    fn each_pair_of_tokens_has_a_user_of_its_own() {
        let url = RedisUrl::parse("redis://:p@h/3").unwrap_or_else(|error| panic!("{error}"));
        let words = |token| {
            let greeting = user(&url, token, "r").greeting;
            greeting.iter().map(|line| String::from_utf8(line.join(&b' ')).unwrap()).collect::<Vec<_>>()
        };
        let lines = words("t");
        assert_eq!((lines.len(), lines[0].as_str(), lines[1].as_str()), (4, "AUTH p", "SELECT 3"));
        assert!(lines[2].contains(" reset on >") && lines[2].contains("+@read -keys -scan "), "{lines:?}");
        assert_eq!(words("t"), lines);
        assert_ne!(words("u")[3], lines[3]);
    }
}
