//! Where a replay happens: on a stack of its own, or on one that is running.

use std::path::{Path, PathBuf};

use functions::accounts::Accounts;
use functions::accounts::users::{CreateUserError, NewUser};
use local::dev_file::DevFile;
use local::dynamo;
use local::private_file::PrivateFileError;
use local::stack::{Options, Stack, StartError};
use protocol::role::Role;

use super::arguments::Arguments;
use crate::fleet;

/// The client whose branch the tills belong to.
const CLIENT: &str = "1";

/// Why there is nowhere to sell.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The stack does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The file of the running stack cannot be read.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// There is no such file, so there is nobody to make users.
    #[error("failed to find the running stack in {}: give its folder with --data", .0.display())]
    NotRunning(PathBuf),
    /// A user cannot be made.
    #[error(transparent)]
    User(#[from] CreateUserError),
    /// An id of our own is none.
    #[error(transparent)]
    Id(#[from] protocol::ids::BadId),
}

/// An edge, and its accounts.
pub(super) struct Place {
    /// Where the edge is, without a slash at the end.
    pub(super) edge_url: String,
    accounts: Accounts,
    /// A branch that nobody has sold in.
    branch: String,
    stack: Option<Stack>,
}

impl Place {
    /// The running stack that the command line names, or a new one.
    pub(super) async fn find(arguments: &Arguments) -> Result<Place, PlaceError> {
        let branch = format!("replay-{}", fleet::batch_id());
        if let Some(edge_url) = arguments.url.clone() {
            let data = Path::new(&arguments.data);
            let file = DevFile::read(data)?.ok_or_else(|| PlaceError::NotRunning(data.to_owned()))?;
            let accounts = Accounts::new(dynamo::owner(&file.dynamodb_url), file.accounts_table);
            return Ok(Place { edge_url, accounts, branch, stack: None });
        }
        let stack = Stack::start(Options { say: |line| println!("{line}"), ..Options::default() }).await?;
        let (edge_url, accounts) = (stack.edge_url().to_owned(), stack.accounts());
        Ok(Place { edge_url, accounts, branch, stack: Some(stack) })
    }

    /// Makes a cashier of the branch; the name and the password to sign in with.
    pub(super) async fn user(&self, name: &str) -> Result<(String, String), PlaceError> {
        let (username, password) = (format!("{name}@{}", self.branch), fleet::batch_id());
        let new = NewUser {
            username: username.clone(),
            password: password.clone(),
            role: Role::Cashier,
            client_id: CLIENT.parse()?,
            branch_id: Some(self.branch.parse()?),
        };
        self.accounts.create(new).await?;
        Ok((username, password))
    }

    /// Stops the stack, if it is the replay's own.
    pub(super) async fn leave(self) {
        if let Some(stack) = self.stack {
            stack.stop().await;
        }
    }
}
