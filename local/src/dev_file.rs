//! `dev.json`: how other programs find the running stack.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::known_user::KnownUser;
use crate::private_file::{self, PrivateFileError};
use crate::stack::Stack;

const FILE: &str = "dev.json";
/// How long a running DynamoDB may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// No stack can be used in a data directory.
#[derive(Debug, thiserror::Error)]
pub enum NotRunning {
    /// No stack runs there.
    #[error("no stack is running in {}; start one with `cargo xtask dev`", .0.display())]
    Stopped(PathBuf),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

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

    /// The file in `folder`, if its stack is running.
    pub(crate) async fn of_running(folder: &Path) -> Result<DevFile, NotRunning> {
        let stopped = || NotRunning::Stopped(folder.to_owned());
        let file = DevFile::read(folder)?.ok_or_else(stopped)?;
        // A stack that was killed leaves its file behind.
        if is_listening(&file.dynamodb_url).await { Ok(file) } else { Err(stopped()) }
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

async fn is_listening(url: &str) -> bool {
    let address = url.strip_prefix("http://").and_then(|address| address.parse::<SocketAddr>().ok());
    let Some(address) = address else { return false };
    let connecting = tokio::net::TcpStream::connect(address);
    matches!(tokio::time::timeout(CONNECT_PATIENCE, connecting).await, Ok(Ok(_)))
}
