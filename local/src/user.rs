//! `tillsync-local user add`: an account on the running stack.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use functions::accounts::{Accounts, CreateUserError};
use protocol::ids::BadId;

use crate::command_line::AddUser;
use crate::dev_file::DevFile;
use crate::dynamo;
use crate::keys::random_text;
use crate::known_user::{self, KnownUser};
use crate::private_file::PrivateFileError;
use crate::report;

/// How long a running DynamoDB may take to take a call.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of randomness in a password that is made here.
const PASSWORD_BYTES: usize = 9;

/// Why there is no new user.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// There is nothing to add it to.
    #[error("failed to add the user: no stack is running in {}; start one with `cargo xtask dev`", .0.display())]
    NotRunning(PathBuf),
    /// The client or the branch is not one.
    #[error("failed to add the user: {0}")]
    BadId(#[from] BadId),
    /// The role is not one.
    #[error("failed to add the user: {0}")]
    BadRole(&'static str),
    /// The name is somebody's.
    #[error("failed to add the user: the name {0} is taken")]
    Taken(String),
    /// The accounts refuse, or do not answer.
    #[error(transparent)]
    Create(CreateUserError),
    /// The system gives no random bytes for a password.
    #[error("failed to make a password: {0}")]
    Random(#[from] getrandom::Error),
    /// A file of the data directory cannot be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

/// Makes the user, prints name and password, and notes both beside the stack's data.
pub async fn add(add: &AddUser) -> Result<(), AddUserError> {
    let user = read(add)?;
    let not_running = || AddUserError::NotRunning(add.data.clone());
    let mut file = DevFile::read(&add.data)?.ok_or_else(not_running)?;
    if !answers(&file.dynamodb_url).await {
        return Err(not_running());
    }
    let accounts = Accounts::new(dynamo::owner(&file.dynamodb_url), file.accounts_table.clone());
    accounts.create(user.clone().into()).await.map_err(|error| match error {
        CreateUserError::Taken => AddUserError::Taken(add.name.clone()),
        other => AddUserError::Create(other),
    })?;
    report::answer(&format!("username: {}\npassword: {}", user.username, user.password));
    file.users.push(user);
    file.write(&add.data)?;
    Ok(known_user::save(&add.data, &file.users)?)
}

/// What the words mean.
fn read(add: &AddUser) -> Result<KnownUser, AddUserError> {
    let password = match &add.password {
        Some(password) => password.clone(),
        None => random_text(PASSWORD_BYTES)?,
    };
    Ok(KnownUser {
        username: add.name.clone(),
        password,
        client_id: add.client.parse()?,
        branch_id: add.branch.as_deref().map(str::parse).transpose()?,
        role: add.role.parse().map_err(AddUserError::BadRole)?,
    })
}

/// Whether somebody listens at `url`: a stack that was killed leaves its file behind.
async fn answers(url: &str) -> bool {
    let address = url.strip_prefix("http://").and_then(|address| address.parse::<SocketAddr>().ok());
    let Some(address) = address else { return false };
    let connecting = tokio::net::TcpStream::connect(address);
    matches!(tokio::time::timeout(CONNECT_PATIENCE, connecting).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(client: &str, branch: Option<&str>, role: &str) -> AddUser {
        AddUser {
            name: "anna".into(),
            client: client.into(),
            branch: branch.map(str::to_owned),
            role: role.into(),
            password: None,
            data: std::env::temp_dir().join("tillsync-no-stack-here"),
        }
    }

    #[tokio::test]
    async fn each_refusal_is_a_sentence() {
        for (words, expected) in [
            (words("1", Some("2"), "cashier"), "no stack is running"),
            (words("a b", Some("2"), "cashier"), "client_id"),
            (words("1", Some("#"), "cashier"), "branch_id"),
            (words("1", Some("2"), "king"), "a role is cashier"),
        ] {
            let error = add(&words).await.unwrap_err().to_string();
            assert!(error.starts_with("failed to") && error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_password_is_made_where_none_is_given() {
        let made = || read(&words("1", None, "super_admin")).unwrap().password;
        assert!(made().len() >= 12 && made() != made());
    }
}
