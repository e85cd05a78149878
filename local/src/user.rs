//! `tillsync-local user add`: creates an account on the running stack.

use config::Secret;
use functions::accounts::Accounts;
use functions::accounts::users::CreateUserError;
use protocol::ids::{BranchId, ClientId};

use crate::branch;
use crate::command_line::AddUser;
use crate::dev_file::{DevFile, NotRunning};
use crate::dynamo;
use crate::keys::random_text;
use crate::known_user::{self, KnownUser};
use crate::private_file::PrivateFileError;
use crate::report;

/// Random bytes in a generated password.
const PASSWORD_BYTES: usize = 9;

/// Why the user was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddUserError {
    /// There is no stack to add the user to.
    #[error("failed to add the user: {0}")]
    NotRunning(#[from] NotRunning),
    /// The client does not have the user's branch.
    #[error(
        "failed to add the user: client {0} has no branch {1}; create it with `cargo xtask branch add {1} --client {0}`"
    )]
    NoBranch(ClientId, BranchId),
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
    let mut file = DevFile::of_running(&add.data).await?;
    let user = known_user(add)?;
    let accounts = Accounts::new(dynamo::owner(&file.dynamodb_url), file.accounts_table.clone());
    accounts.create(&branch::branches(&file), user.clone().into()).await.map_err(|error| match error {
        CreateUserError::NoBranch(room) => AddUserError::NoBranch(room.client, room.branch),
        CreateUserError::Taken => AddUserError::Taken(add.name.clone()),
        other => AddUserError::Create(other),
    })?;
    report::result(&format!("username: {}\npassword: {}", user.username, user.password.expose()));
    file.users.push(user);
    file.write(&add.data)?;
    Ok(known_user::save(&add.data, &file.users)?)
}

fn known_user(add: &AddUser) -> Result<KnownUser, getrandom::Error> {
    Ok(KnownUser {
        username: add.name.clone(),
        password: match &add.password {
            Some(password) => password.clone(),
            None => Secret::new(random_text(PASSWORD_BYTES)?),
        },
        client_id: add.client.clone(),
        branch_id: add.branch.clone(),
        role: add.role,
    })
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
        assert!(password().expose().len() >= 12 && password() != password());
        let chosen = AddUser { password: Some(Secret::new("p".into())), ..anna() };
        assert_eq!(known_user(&chosen).unwrap().password.expose(), "p");
    }
}
