//! Users.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use protocol::ids::{BranchId, ClientId};
use protocol::limits::CREDENTIAL_BYTES_MAX;
use protocol::role::Role;
use protocol::wire::auth::User;

use super::{Accounts, key_attributes, keys, password};
use crate::random;
use crate::store::error::StoreError;
use crate::store::item::{Item, as_text, get};

/// A user to be made.
pub struct NewUser {
    /// The name to sign in with, unique in the deployment.
    pub username: String,
    /// The password; only its hash is kept.
    pub password: String,
    /// What the user may do.
    pub role: Role,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; none for a super admin, and for nobody else.
    pub branch_id: Option<BranchId>,
}

/// Why a user was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// The name belongs to somebody.
    #[error("failed to create the user: the name is taken")]
    Taken,
    /// Something about the user is not allowed.
    #[error("failed to create the user: {0}")]
    Bad(&'static str),
    /// The password cannot be hashed.
    #[error("failed to create the user: the password cannot be hashed")]
    Hash(#[source] argon2::password_hash::Error),
    /// The store failed.
    #[error("failed to create the user")]
    Store(#[source] StoreError),
}

impl NewUser {
    fn check(&self) -> Result<(), CreateUserError> {
        let fits = |text: &str| {
            !text.is_empty() && text.len() <= CREDENTIAL_BYTES_MAX && !text.chars().any(char::is_control)
        };
        if !fits(&self.username) || !fits(&self.password) {
            return Err(CreateUserError::Bad(
                "name and password must be 1 to 256 bytes without control characters",
            ));
        }
        match (self.role, &self.branch_id) {
            (Role::SuperAdmin, Some(_)) => Err(CreateUserError::Bad("a super_admin has no branch")),
            (Role::Cashier | Role::Manager | Role::Admin, None) => {
                Err(CreateUserError::Bad("this role needs a branch"))
            }
            _ => Ok(()),
        }
    }
}

impl Accounts {
    /// Makes a user; the name and the user appear together or not at all.
    pub async fn create(&self, new: NewUser) -> Result<User, CreateUserError> {
        new.check()?;
        let hash = password::hash(&new.password).map_err(CreateUserError::Hash)?;
        let NewUser { username, role, client_id, branch_id, .. } = new;
        let user = User { id: random::token::<12>(), username, role, client_id, branch_id };
        let mut name = key_attributes(keys::name(&user.username));
        name.insert("user".into(), AttributeValue::S(user.id.clone()));
        let items = [name, to_item(&user, hash)];
        let puts: Result<Vec<_>, _> = items.into_iter().map(|item| self.put_new(item)).collect();
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(puts.map_err(CreateUserError::Store)?));
        match request.send().await.map_err(StoreError::of_transaction) {
            Ok(_) => Ok(user),
            Err(StoreError::Lost) => Err(CreateUserError::Taken),
            Err(error) => Err(CreateUserError::Store(error)),
        }
    }

    fn put_new(&self, item: Item) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build();
        Ok(TransactWriteItem::builder().put(put.map_err(|error| StoreError::Refused(error.into()))?).build())
    }

    /// The user with this id.
    pub async fn user(&self, id: &str) -> Result<Option<User>, StoreError> {
        self.get(keys::user(id)).await?.as_ref().map(to_user).transpose()
    }

    /// The user with this name, and the hash of the password.
    pub async fn by_name(&self, username: &str) -> Result<Option<(User, String)>, StoreError> {
        let name = self.get(keys::name(username)).await?;
        // Without the name there is no such key either; looking all the same takes the same time.
        let id = name.as_ref().map_or(Ok(""), |name| get(name, "user", as_text).map(String::as_str))?;
        let Some(item) = self.get(keys::user(id)).await? else { return Ok(None) };
        Ok(Some((to_user(&item)?, get(&item, "password_hash", as_text)?.clone())))
    }
}

fn role_text(role: Role) -> &'static str {
    match role {
        Role::Cashier => "cashier",
        Role::Manager => "manager",
        Role::Admin => "admin",
        Role::SuperAdmin => "super_admin",
    }
}

fn to_item(user: &User, password_hash: String) -> Item {
    let mut item = key_attributes(keys::user(&user.id));
    let mut text = |name: &str, value: String| item.insert(name.to_owned(), AttributeValue::S(value));
    text("id", user.id.clone());
    text("username", user.username.clone());
    text("role", role_text(user.role).to_owned());
    text("client_id", user.client_id.to_string());
    text("password_hash", password_hash);
    if let Some(branch) = &user.branch_id {
        text("branch_id", branch.to_string());
    }
    item
}

fn to_user(item: &Item) -> Result<User, StoreError> {
    let branch = item.get("branch_id").map(|value| as_text(value)?.parse().ok());
    Ok(User {
        id: get(item, "id", as_text)?.clone(),
        username: get(item, "username", as_text)?.clone(),
        role: get(item, "role", |value| as_text(value)?.parse().ok())?,
        client_id: get(item, "client_id", |value| as_text(value)?.parse().ok())?,
        branch_id: branch.map(|id| id.ok_or(StoreError::Corrupt("branch_id"))).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_reads_back() {
        for (role, branch) in
            [(Role::Cashier, Some("2")), (Role::Manager, Some("2")), (Role::SuperAdmin, None)]
        {
            let branch_id = branch.map(|id| id.parse().unwrap());
            let user = User {
                id: "u1".into(),
                username: "till-1".into(),
                role,
                client_id: "1".parse().unwrap(),
                branch_id,
            };
            assert_eq!(to_user(&to_item(&user, "hash".into())).unwrap(), user);
        }
    }

    #[test]
    fn head_office_has_no_branch_and_everybody_else_has_one() {
        let new = |role, branch: Option<&str>| NewUser {
            username: "n".into(),
            password: "p".into(),
            role,
            client_id: "1".parse().unwrap(),
            branch_id: branch.map(|id| id.parse().unwrap()),
        };
        assert!(new(Role::Cashier, Some("2")).check().is_ok() && new(Role::SuperAdmin, None).check().is_ok());
        assert!(
            new(Role::Cashier, None).check().is_err() && new(Role::SuperAdmin, Some("2")).check().is_err()
        );
    }
}
