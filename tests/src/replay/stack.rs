//! The stack of a replay: a running one, or one of its own.

use std::error::Error;

use functions::accounts::Accounts;
use functions::sync::branches::Branches;
use local::dev_file::DevFile;
use local::dynamo;
use local::stack::{Options, Stack};
use protocol::ids::Room;

use super::Arguments;
use crate::fleet;

/// The client of the tills.
const CLIENT: &str = "1";

/// An edge and its accounts.
pub(super) struct TestStack {
    /// The edge's address, without a slash at the end.
    pub(super) edge_url: String,
    pub(super) accounts: Accounts,
    pub(super) branches: Branches,
    /// A room without records.
    pub(super) room: Room,
    own: Option<Stack>,
}

impl TestStack {
    /// The running stack that the command line names, or a new one.
    pub(super) async fn find(arguments: &Arguments) -> Result<TestStack, Box<dyn Error>> {
        let room = Room { client: CLIENT.parse()?, branch: format!("replay-{}", fleet::batch_id()).parse()? };
        if let Some(edge_url) = arguments.edge_url() {
            let file = DevFile::read(&arguments.data)?.ok_or_else(|| {
                let data = arguments.data.display();
                format!("failed to find the running stack in {data}: give its folder with --data")
            })?;
            let owner = || dynamo::owner(&file.dynamodb_url);
            let accounts = Accounts::new(owner(), file.accounts_table);
            let branches = Branches::new(owner(), file.table);
            return Ok(TestStack { edge_url: edge_url.to_owned(), accounts, branches, room, own: None });
        }
        let stack = Stack::start(Options { say: |line| println!("{line}"), ..Options::default() }).await?;
        let edge_url = stack.edge_url().to_owned();
        let (accounts, branches) = (stack.accounts(), stack.branches());
        Ok(TestStack { edge_url, accounts, branches, room, own: Some(stack) })
    }

    /// Stops the stack if it is the replay's own.
    pub(super) async fn stop(self) {
        if let Some(stack) = self.own {
            stack.stop().await;
        }
    }
}
