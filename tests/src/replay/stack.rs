//! The stack of a replay: a running one, or one of its own.

use std::error::Error;

use functions::accounts::Accounts;
use functions::accounts::users::NewUser;
use local::dev_file::DevFile;
use local::dynamo;
use local::stack::{Options, Stack};
use protocol::role::Role;

use super::arguments::Arguments;
use crate::fleet;

/// The client of the tills.
const CLIENT: &str = "1";

/// An edge and its accounts.
pub(super) struct TestStack {
    /// The edge's address, without a slash at the end.
    pub(super) edge_url: String,
    accounts: Accounts,
    /// A branch without records.
    branch: String,
    own: Option<Stack>,
}

impl TestStack {
    /// The running stack that the command line names, or a new one.
    pub(super) async fn find(arguments: &Arguments) -> Result<TestStack, Box<dyn Error>> {
        let branch = format!("replay-{}", fleet::batch_id());
        if let Some(edge_url) = arguments.edge_url() {
            let file = DevFile::read(&arguments.data)?.ok_or_else(|| {
                let data = arguments.data.display();
                format!("failed to find the running stack in {data}: give its folder with --data")
            })?;
            let accounts = Accounts::new(dynamo::owner(&file.dynamodb_url), file.accounts_table);
            return Ok(TestStack { edge_url: edge_url.to_owned(), accounts, branch, own: None });
        }
        let stack = Stack::start(Options { say: |line| println!("{line}"), ..Options::default() }).await?;
        let (edge_url, accounts) = (stack.edge_url().to_owned(), stack.accounts());
        Ok(TestStack { edge_url, accounts, branch, own: Some(stack) })
    }

    /// Creates a cashier of the branch. Returns name and password.
    pub(super) async fn create_user(&self, name: &str) -> Result<(String, String), Box<dyn Error>> {
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

    /// Stops the stack if it is the replay's own.
    pub(super) async fn stop(self) {
        if let Some(stack) = self.own {
            stack.stop().await;
        }
    }
}
