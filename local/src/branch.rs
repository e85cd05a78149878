//! `tillsync-local branch add`: creates a branch on the running stack.

use functions::dynamo::error::StoreError;
use functions::start::now;
use functions::sync::branches::Branches;
use protocol::ids::Room;

use crate::command_line::AddBranch;
use crate::dev_file::{DevFile, NotRunning};
use crate::dynamo;
use crate::report;

/// Why the branch was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddBranchError {
    /// There is no stack to add it to.
    #[error("failed to add the branch: {0}")]
    NotRunning(#[from] NotRunning),
    /// The branch cannot be stored.
    #[error("failed to add the branch")]
    Store(#[from] StoreError),
}

/// Creates the branch; does nothing if it exists.
pub async fn add(add: &AddBranch) -> Result<(), AddBranchError> {
    let file = DevFile::of_running(&add.data).await?;
    let room = Room { client: add.client.clone(), branch: add.branch.clone() };
    branches(&file).create(&room, now()).await?;
    report::result(&format!("branch {} of client {} exists", add.branch, add.client));
    Ok(())
}

/// The branches of the running stack of `file`.
pub(crate) fn branches(file: &DevFile) -> Branches {
    Branches::new(dynamo::owner(&file.dynamodb_url), file.table.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stack_must_be_running() {
        let data = std::env::temp_dir().join("tillsync-no-stack-here");
        let branch = AddBranch { branch: "2".parse().unwrap(), client: "1".parse().unwrap(), data };
        let error = add(&branch).await.unwrap_err().to_string();
        assert!(error.starts_with("failed to") && error.contains("no stack is running"), "{error}");
    }
}
