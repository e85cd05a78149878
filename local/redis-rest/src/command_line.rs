//! What may be asked of `redis-rest`, read by a pure function.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};

use lexopt::prelude::*;

/// What `--help` prints, and what a wrong command line is answered with.
pub const USAGE: &str = "\
usage: redis-rest --token TOKEN [--port 8079] [--host 127.0.0.1]
                  [--redis-url redis://...] [--read-only-token TOKEN]

  Speaks Upstash's REST protocol over a Redis. Without --redis-url it starts one, which forgets
  everything when it ends.";

/// Where it listens unless told otherwise.
const PORT: u16 = 8079;

/// What is asked for.
#[derive(PartialEq, Eq)]
pub enum Command {
    /// Prints the usage.
    Help,
    /// Runs the front.
    Run(Run),
}

/// How the front is to run. Has no `Debug`, since it holds tokens.
#[derive(PartialEq, Eq)]
pub struct Run {
    /// Where it listens; loopback unless told otherwise.
    pub host: IpAddr,
    /// On which port; 0 for any.
    pub port: u16,
    /// The token that permits everything.
    pub token: String,
    /// The token that only permits to read.
    pub read_only_token: Option<String>,
    /// The Redis; one is started, if there is none.
    pub redis_url: Option<String>,
}

/// Reads the words after the program's name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(words);
    let (mut host, mut port) = (IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
    let (mut token, mut read_only_token, mut redis_url) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("host") => host = parser.value()?.parse()?,
            Long("port") => port = parser.value()?.parse()?,
            Long("token") => token = Some(parser.value()?.string()?),
            Long("read-only-token") => read_only_token = Some(parser.value()?.string()?),
            Long("redis-url") => redis_url = Some(parser.value()?.string()?),
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    let token = token.ok_or("--token is missing")?;
    Ok(Command::Run(Run { host, port, token, read_only_token, redis_url }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        let words = line.split_whitespace().map(OsString::from);
        parse(words).map_err(|error| error.to_string())
    }

    fn run(line: &str) -> Run {
        match read(line) {
            Ok(Command::Run(run)) => run,
            Ok(Command::Help) => panic!("{line} asks for help"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    #[test]
    fn a_token_is_all_it_needs() {
        let run = run("--token t");
        assert_eq!((run.host.to_string().as_str(), run.port), ("127.0.0.1", 8079));
        assert!(run.token == "t" && run.read_only_token.is_none() && run.redis_url.is_none());
    }

    #[test]
    fn everything_can_be_said() {
        let run = run("--token t --host ::1 --port 0 --redis-url redis://h --read-only-token r");
        assert_eq!((run.host.to_string().as_str(), run.port), ("::1", 0));
        assert!(run.read_only_token.as_deref() == Some("r") && run.redis_url.as_deref() == Some("redis://h"));
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        let error = |line: &str| read(line).err().unwrap_or_default();
        assert_eq!(error(""), "--token is missing");
        assert!(error("--token t extra").contains("extra"));
        assert!(error("--token t --port x").contains("port") || error("--token t --port x").contains('x'));
        assert!(matches!(read("--help"), Ok(Command::Help)));
    }
}
