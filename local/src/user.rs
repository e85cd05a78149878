//! `tillsync-local user add`: creates an account on the running stack.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use functions::accounts::Accounts;
use functions::accounts::users::CreateUserError;

use crate::command_line::AddUser;
use crate::dev_file::DevFile;
use crate::dynamo;
use crate::keys::random_text;
use crate::known_user::{self, KnownUser};
use crate::private_file::PrivateFileError;
use crate::report;

/// How long a running DynamoDB may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// Random bytes in a generated password.
const PASSWORD_BYTES: usize = 9;

/// Why the user was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// No stack runs in the data directory.
    #[error("failed to add the user: no stack is running in {}; start one with `cargo xtask dev`", .0.display())]
    NotRunning(PathBuf),
    /// Another user has the name.
    #[error("failed to add the user: the name {0} is taken")]
    Taken(String),
    /// The account cannot be stored.
    #[error(transparent)]
    Create(CreateUserError),
    /// The system gives no random bytes for a password.
    #[error("failed to make a password: {0}")]
    Random(#[from] getrandom::Error),
    /// A file of the data directory cannot be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

/// Creates the user, prints name and password, and stores both in the data directory.
pub async fn add(add: &AddUser) -> Result<(), AddUserError> {
    let not_running = || AddUserError::NotRunning(add.data.clone());
    let mut file = DevFile::read(&add.data)?.ok_or_else(not_running)?;
    // A stack that was killed leaves its file behind.
    if !is_listening(&file.dynamodb_url).await {
        return Err(not_running());
    }
    let user = known_user(add)?;
    let accounts = Accounts::new(dynamo::owner(&file.dynamodb_url), file.accounts_table.clone());
    accounts.create(user.clone().into()).await.map_err(|error| match error {
        CreateUserError::Taken => AddUserError::Taken(add.name.clone()),
        other => AddUserError::Create(other),
    })?;
    report::result(&format!("username: {}\npassword: {}", user.username, user.password));
    file.users.push(user);
    file.write(&add.data)?;
    Ok(known_user::save(&add.data, &file.users)?)
}

fn known_user(add: &AddUser) -> Result<KnownUser, getrandom::Error> {
    Ok(KnownUser {
        username: add.name.clone(),
        password: add.password.clone().map_or_else(|| random_text(PASSWORD_BYTES), Ok)?,
        client_id: add.client.clone(),
        branch_id: add.branch.clone(),
        role: add.role,
    })
}

async fn is_listening(url: &str) -> bool {
    let address = url.strip_prefix("http://").and_then(|address| address.parse::<SocketAddr>().ok());
    let Some(address) = address else { return false };
    let connecting = tokio::net::TcpStream::connect(address);
    matches!(tokio::time::timeout(CONNECT_PATIENCE, connecting).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::role::Role;

    fn anna() -> AddUser {
        AddUser {
            name: "anna".into(),
            client: "1".parse().unwrap(),
            branch: None,
            role: Role::SuperAdmin,
            password: None,
            data: std::env::temp_dir().join("tillsync-no-stack-here"),
        }
    }

    #[tokio::test]
    async fn a_stack_must_be_running() {
        let error = add(&anna()).await.unwrap_err().to_string();
        assert!(error.starts_with("failed to") && error.contains("no stack is running"), "{error}");
    }

    #[test]
    fn a_missing_password_is_generated() {
        let password = || known_user(&anna()).unwrap().password;
        assert!(password().len() >= 12 && password() != password());
        let chosen = AddUser { password: Some("p".into()), ..anna() };
        assert_eq!(known_user(&chosen).unwrap().password, "p");
    }
}
