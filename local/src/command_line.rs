//! What may be asked of `tillsync-local`: a closed set of commands, read by a pure function.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

/// What `help` prints, and what a wrong command line is answered with.
pub const USAGE: &str = "\
usage: tillsync-local dev [--edge-port 8787] [--data .tillsync] [--fresh]
       tillsync-local user add NAME --client 1 [--branch 2] --role cashier
                                [--password P] [--data .tillsync]";

const DATA: &str = ".tillsync";
const EDGE_PORT: u16 = 8787;

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Prints the usage.
    Help,
    /// Runs the stack.
    Dev(Dev),
    /// Makes a user on the running stack.
    AddUser(AddUser),
}

/// How to run the stack.
#[derive(Debug, PartialEq, Eq)]
pub struct Dev {
    /// Where the edge listens; 0 for any.
    pub edge_port: u16,
    /// Where the data is.
    pub data: PathBuf,
    /// Whether to forget it.
    pub fresh: bool,
}

/// Whom to make, as written; what the words mean is checked when the user is made.
#[derive(Debug, PartialEq, Eq)]
pub struct AddUser {
    /// The name to sign in with.
    pub name: String,
    /// The user's client.
    pub client: String,
    /// The user's branch.
    pub branch: Option<String>,
    /// The user's role.
    pub role: String,
    /// The password; one is made, if there is none.
    pub password: Option<String>,
    /// The data directory of the running stack.
    pub data: PathBuf,
}

/// Reads the words after the program's name.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(words);
    match parser.next()? {
        Some(Value(command)) if command == "dev" => dev(&mut parser),
        Some(Value(command)) if command == "user" => match parser.next()? {
            Some(Value(command)) if command == "add" => add_user(&mut parser),
            Some(argument) => Err(argument.unexpected()),
            None => Err("`user` needs a command: add".into()),
        },
        Some(Value(command)) if command == "help" => Ok(Command::Help),
        Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(argument) => Err(argument.unexpected()),
        None => Err("no command was given".into()),
    }
}

fn dev(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut dev = Dev { edge_port: EDGE_PORT, data: PathBuf::from(DATA), fresh: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("edge-port") => dev.edge_port = parser.value()?.parse()?,
            Long("data") => dev.data = parser.value()?.into(),
            Long("fresh") => dev.fresh = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Dev(dev))
}

fn add_user(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let (mut name, mut client, mut branch, mut role, mut password) = (None, None, None, None, None);
    let mut data = PathBuf::from(DATA);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if name.is_none() => name = Some(value.string()?),
            Long("client") => client = Some(parser.value()?.string()?),
            Long("branch") => branch = Some(parser.value()?.string()?),
            Long("role") => role = Some(parser.value()?.string()?),
            Long("password") => password = Some(parser.value()?.string()?),
            Long("data") => data = parser.value()?.into(),
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::AddUser(AddUser {
        name: name.ok_or("`user add` needs a name")?,
        client: client.ok_or("`user add` needs --client")?,
        branch,
        role: role.ok_or("`user add` needs --role")?,
        password,
        data,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, lexopt::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn dev_has_the_defaults_that_are_documented() {
        let dev = Dev { edge_port: 8787, data: PathBuf::from(".tillsync"), fresh: false };
        assert_eq!(read("dev").unwrap(), Command::Dev(dev));
        let dev = Dev { edge_port: 0, data: PathBuf::from("/tmp/x"), fresh: true };
        assert_eq!(read("dev --fresh --edge-port=0 --data /tmp/x").unwrap(), Command::Dev(dev));
    }

    #[test]
    fn a_user_is_read_as_written() {
        let user = AddUser {
            name: "anna".into(),
            client: "1".into(),
            branch: Some("2".into()),
            role: "king".into(),
            password: None,
            data: PathBuf::from(".tillsync"),
        };
        assert_eq!(read("user add anna --client 1 --branch 2 --role king").unwrap(), Command::AddUser(user));
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (line, word) in [
            ("", "no command"),
            ("fly", "fly"),
            ("dev now", "now"),
            ("dev --edge-port x", "x"),
            ("dev --edge-port 70000", "70000"),
            ("dev --colour red", "--colour"),
            ("user", "add"),
            ("user drop anna", "drop"),
            ("user add --client 1 --role cashier", "a name"),
            ("user add anna --role cashier", "--client"),
            ("user add anna --client 1", "--role"),
            ("user add anna bert --client 1 --role cashier", "bert"),
        ] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.contains(word), "{line}: {error}");
        }
        assert_eq!(read("help").unwrap(), Command::Help);
        assert_eq!(read("dev --help").unwrap(), Command::Help);
    }
}
