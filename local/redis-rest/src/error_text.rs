//! The engine's error texts in the service's words, as far as those are documented or have been seen; pure.

use crate::command;
use crate::resp::Reply;

/// How the engine's error for an unknown command begins.
const UNKNOWN_COMMAND: &str = "ERR unknown command";
/// Redis's text for what the service calls [`command::NOT_AN_INT`].
const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
/// Seen at the service (issue 122 of `upstash/ratelimit-js`). Valkey's and older texts are shorter.
const NO_SCRIPT: &str = "NOSCRIPT No matching script. Please use EVAL.";
/// How an engine refuses a command to the user of the read-only token, directly and in a script.
const NO_PERMISSION: [&str; 2] = ["NOPERM ", "ERR ACL failure in script: "];
/// How Redis before version 7.2 does it in a script, without the name.
const NO_PERMISSION_IN_SCRIPT: &str =
    "ERR The user executing the script can't run this command or subcommand";
/// Stands before the quoted name in those refusals.
const NO_PERMISSION_NAME: &str = "has no permissions to run the '";

/// Commands that the service documents ("Redis command reference") and engines do not have or got late.
const LATE: &str = "DELEX DIGEST EVALSHA_RO EVAL_RO EXPIRETIME FCALL FCALL_RO FUNCTION HEXPIRE HEXPIREAT \
     HEXPIRETIME HGETDEL HGETEX HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HSETEX HTTL LMPOP MSETEX \
     PEXPIRETIME SINTERCARD XACKDEL XDELEX ZMPOP";
/// Families of commands that need a module, or that only the service has.
const FAMILIES: [&str; 2] = ["JSON.", "SEARCH."];

/// The error for a command that a token does not permit. Seen at the service (issue 18 of
/// `upstash/ratelimit-js`).
pub(crate) fn no_permission(name: &str) -> String {
    let name = name.to_lowercase();
    format!("NOPERM this user has no permissions to run the '{name}' command or its subcommand")
}

/// Whether the engine does not know a command. The error then names the engine.
pub(crate) fn is_unknown_command(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(text) if text.starts_with(UNKNOWN_COMMAND.as_bytes()))
}

/// The reply with the service's text, if it is an error. `engine` is name and version of the engine.
pub(crate) fn translate(reply: Reply, engine: &str) -> Reply {
    let Reply::Error(bytes) = &reply else { return reply };
    // Redis quotes binary arguments in errors; those are not among the translated ones.
    let Ok(text) = std::str::from_utf8(bytes) else { return reply };
    if let Some(rest) = text.strip_prefix(UNKNOWN_COMMAND) {
        // The name is in quotes, of one kind or the other.
        let name = rest.split(['\'', '`']).nth(1).map(str::to_uppercase);
        return name.map_or_else(|| reply.clone(), |name| unknown_command(&name, engine));
    }
    if let Some(rest) = text.strip_prefix(NOT_AN_INTEGER) {
        return Reply::error(format!("ERR {}{rest}", command::NOT_AN_INT));
    }
    if text.starts_with("NOSCRIPT ") {
        return Reply::error(NO_SCRIPT);
    }
    permission(text).map_or_else(|| reply.clone(), Reply::error)
}

fn unknown_command(name: &str, engine: &str) -> Reply {
    let is_late = LATE.split(' ').any(|late| late == name);
    if is_late || FAMILIES.iter().any(|family| name.starts_with(family)) {
        return Reply::error(format!("ERR '{name}' is not available: the service has it, {engine} does not"));
    }
    command::unavailable(name)
}

/// The service's refusal, with what the engine says about the place in a script.
fn permission(text: &str) -> Option<String> {
    if let Some(place) = text.strip_prefix(NO_PERMISSION_IN_SCRIPT) {
        return Some(format!(
            "NOPERM this user has no permissions to run this command or its subcommand{place}"
        ));
    }
    let rest = NO_PERMISSION.iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let (_, rest) = rest.split_once(NO_PERMISSION_NAME)?;
    let (name, rest) = rest.split_once('\'')?;
    let place = rest.strip_prefix(" command").unwrap_or(rest);
    Some(no_permission(name) + place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> String {
        match translate(Reply::error(text), "Redis 7.0.15") {
            Reply::Error(text) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_command_that_the_service_does_not_have_is_not_available() {
        for text in ["ERR unknown command 'foo', with args beginning with: 'a' ", "ERR unknown command `foo`"]
        {
            assert_eq!(Reply::error(translated(text)), command::unavailable("FOO"));
        }
    }

    #[test]
    fn a_command_that_only_the_engine_lacks_names_the_engine() {
        for name in ["JSON.GET", "search.query", "HGETDEL"] {
            let expected = name.to_uppercase();
            let expected =
                format!("ERR '{expected}' is not available: the service has it, Redis 7.0.15 does not");
            assert_eq!(translated(&format!("ERR unknown command '{name}', with args")), expected);
        }
        assert!(LATE.split(' ').collect::<Vec<_>>().is_sorted());
    }

    #[test]
    fn numbers_and_missing_scripts_have_the_services_text() {
        let place = " script: abc, on @user_script:2.";
        for rest in ["", place] {
            let text = format!("ERR value is not an integer or out of range{rest}");
            assert_eq!(translated(&text), format!("ERR value is not an int or out of range{rest}"));
        }
        assert_eq!(translated("NOSCRIPT No matching script."), NO_SCRIPT);
        for other in ["WRONGTYPE Operation", "ERR value is not a valid float", "MY own"] {
            assert_eq!(translated(other), other);
        }
    }

    #[test]
    fn a_refused_command_has_the_services_text_in_a_script_too() {
        let expected = no_permission("KEYS");
        assert_eq!(translated("NOPERM User x has no permissions to run the 'keys' command"), expected);
        let text =
            "ERR ACL failure in script: User x has no permissions to run the 'keys' command script: a.";
        assert_eq!(translated(text), format!("{expected} script: a."));
        assert_eq!(
            translated("NOPERM No permissions to access a key"),
            "NOPERM No permissions to access a key"
        );
    }
}
