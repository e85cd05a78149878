//! `dev.json`: how other programs find the running stack.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::known_user::KnownUser;
use crate::private_file::{self, PrivateFileError};
use crate::stack::Stack;

const FILE: &str = "dev.json";

/// The addresses and users of a running stack. The file exists only while the stack runs.
#[derive(Debug, Serialize, Deserialize)]
pub struct DevFile {
    /// The edge, without a trailing slash.
    pub edge_url: String,
    /// The functions, each below `/<function>/`.
    pub functions_url: String,
    /// DynamoDB.
    pub dynamodb_url: String,
    /// Redis over REST.
    pub redis_url: String,
    /// The sync table.
    pub table: String,
    /// The accounts table.
    pub accounts_table: String,
    /// The users and their passwords.
    pub users: Vec<KnownUser>,
}

impl DevFile {
    pub(crate) fn of(stack: &Stack, users: Vec<KnownUser>) -> DevFile {
        DevFile {
            edge_url: stack.edge_url().to_owned(),
            functions_url: stack.functions_url().to_owned(),
            dynamodb_url: stack.dynamodb_url().to_owned(),
            redis_url: stack.redis().url().to_owned(),
            table: stack.table().to_owned(),
            accounts_table: stack.accounts_table().to_owned(),
            users,
        }
    }

    /// Reads the file in `folder`; `None` if no stack runs there.
    pub fn read(folder: &Path) -> Result<Option<DevFile>, PrivateFileError> {
        private_file::read(&path(folder))
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), PrivateFileError> {
        private_file::write(&path(folder), self)
    }

    pub(crate) fn remove(folder: &Path) {
        // It may never have been written.
        let _ = std::fs::remove_file(path(folder));
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
