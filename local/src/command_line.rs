//! The command line of `tillsync-local`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use config::Secret;
use protocol::ids::{BranchId, ClientId};
use protocol::role::Role;

/// tillsync on one machine: DynamoDB, its stream, Redis, the functions and the edge.
#[derive(Debug, PartialEq, Eq, Parser)]
#[command(name = "tillsync-local")]
pub enum Command {
    /// Runs the stack until Ctrl-C.
    Dev(Dev),
    /// Manages the users of the running stack.
    #[command(subcommand)]
    User(UserCommand),
    /// Manages the branches of the running stack.
    #[command(subcommand)]
    Branch(BranchCommand),
    /// Manages the keys of a stack.
    #[command(subcommand)]
    Keys(KeysCommand),
}

/// Commands about keys.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum KeysCommand {
    /// Takes the next of the three steps that replace the key of access tokens.
    Rotate(RotateKeys),
}

/// The keys to rotate.
#[derive(Debug, PartialEq, Eq, Args)]
pub struct RotateKeys {
    /// The data directory.
    #[arg(long, default_value = ".tillsync")]
    pub data: PathBuf,
}

/// Commands about users.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum UserCommand {
    /// Adds a user and prints name and password.
    Add(AddUser),
}

/// Commands about branches.
#[derive(Debug, PartialEq, Eq, Subcommand)]
pub enum BranchCommand {
    /// Adds a branch. Tills and head office can use it at once.
    Add(AddBranch),
}

/// The branch to add.
#[derive(Debug, PartialEq, Eq, Args)]
pub struct AddBranch {
    /// The branch's id.
    pub branch: BranchId,
    /// The branch's client.
    #[arg(long)]
    pub client: ClientId,
    /// The data directory of the running stack.
    #[arg(long, default_value = ".tillsync")]
    pub data: PathBuf,
}

/// How to run the stack.
#[derive(Debug, PartialEq, Eq, Args)]
pub struct Dev {
    /// The edge's port; 0 picks a free one.
    #[arg(long, default_value_t = 8787)]
    pub edge_port: u16,
    /// The data directory.
    #[arg(long, default_value = ".tillsync")]
    pub data: PathBuf,
    /// Removes the data of earlier runs first.
    #[arg(long)]
    pub fresh: bool,
    /// A file with the tables to sync instead of the built-in ones.
    #[arg(long)]
    pub tables: Option<PathBuf>,
    /// An origin of web pages that may call the edge, like http://localhost:5173; may be repeated.
    #[arg(long = "origin")]
    pub origins: Vec<String>,
}

/// The user to add.
#[derive(Debug, PartialEq, Eq, Args)]
pub struct AddUser {
    /// The name to sign in with.
    pub name: String,
    /// The user's client.
    #[arg(long)]
    pub client: ClientId,
    /// The user's branch; none for a super admin.
    #[arg(long)]
    pub branch: Option<BranchId>,
    /// The user's role: cashier, manager, admin or super_admin.
    #[arg(long)]
    pub role: Role,
    /// The password; a random one by default.
    #[arg(long)]
    pub password: Option<Secret>,
    /// The data directory of the running stack.
    #[arg(long, default_value = ".tillsync")]
    pub data: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        Command::try_parse_from(std::iter::once("tillsync-local").chain(line.split_whitespace()))
    }

    #[test]
    fn dev_has_the_documented_defaults() {
        let dev = Dev {
            edge_port: 8787,
            data: PathBuf::from(".tillsync"),
            fresh: false,
            tables: None,
            origins: Vec::new(),
        };
        assert_eq!(parse("dev").unwrap(), Command::Dev(dev));
        let tables = Some(PathBuf::from("my.toml"));
        let origins = vec!["http://a".to_owned(), "http://b:1".to_owned()];
        let dev = Dev { edge_port: 0, data: PathBuf::from("/tmp/x"), fresh: true, tables, origins };
        let line =
            "dev --fresh --edge-port=0 --data /tmp/x --tables my.toml --origin http://a --origin http://b:1";
        assert_eq!(parse(line).unwrap(), Command::Dev(dev));
    }

    #[test]
    fn keys_are_rotated_in_a_data_directory() {
        let rotate = |data: &str| Command::Keys(KeysCommand::Rotate(RotateKeys { data: data.into() }));
        assert_eq!(parse("keys rotate").unwrap(), rotate(".tillsync"));
        assert_eq!(parse("keys rotate --data /tmp/x").unwrap(), rotate("/tmp/x"));
    }

    #[test]
    fn a_user_has_a_client_and_a_role() {
        let user = AddUser {
            name: "anna".into(),
            client: "1".parse().unwrap(),
            branch: Some("2".parse().unwrap()),
            role: Role::Cashier,
            password: None,
            data: PathBuf::from(".tillsync"),
        };
        let expected = Command::User(UserCommand::Add(user));
        assert_eq!(parse("user add anna --client 1 --branch 2 --role cashier").unwrap(), expected);
    }

    #[test]
    fn a_wrong_command_line_is_explained() {
        for (line, word) in [
            ("", "Usage"),
            ("fly", "fly"),
            ("dev now", "now"),
            ("dev --edge-port x", "x"),
            ("dev --edge-port 70000", "70000"),
            ("dev --colour red", "--colour"),
            ("user", "add"),
            ("user drop anna", "drop"),
            ("user add --client 1 --role cashier", "<NAME>"),
            ("user add anna --role cashier", "--client"),
            ("user add anna --client 1", "--role"),
            ("user add anna bert --client 1 --role cashier", "bert"),
            ("user add anna --client a.b --role cashier", "client_id"),
            ("user add anna --client 1 --branch # --role cashier", "branch_id"),
            ("user add anna --client 1 --role king", "a role is cashier"),
            ("help", "Usage"),
            ("dev --help", "--edge-port"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(word), "{line}: {error}");
        }
    }
}
