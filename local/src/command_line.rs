//! What may be asked of `tillsync-local`: a closed set of commands, read by a pure function.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

/// What `help` prints, and what a wrong command line is answered with.
pub const USAGE: &str = "\
usage: tillsync-local dev [--edge-port 8787] [--data .tillsync] [--fresh]
                          [--tables tables.toml]
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
    /// Which tables are synced; the built-in ones, if there is no file.
    pub tables: Option<PathBuf>,
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
    let mut dev = Dev { edge_port: EDGE_PORT, data: PathBuf::from(DATA), fresh: false, tables: None };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("edge-port") => dev.edge_port = parser.value()?.parse()?,
            Long("data") => dev.data = parser.value()?.into(),
            Long("fresh") => dev.fresh = true,
            Long("tables") => dev.tables = Some(parser.value()?.into()),
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
mod tests;
