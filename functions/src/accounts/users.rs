//! Users.

use protocol::ids::{BranchId, ClientId, Room};
use protocol::limits::CREDENTIAL_BYTES_MAX;
use protocol::role::Role;
use protocol::wire::auth::User;

use super::{Accounts, credentials, keys, password};
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_parsed, as_text, get, optional, text};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::table::Condition;
use crate::random;
use crate::sync::branches::Branches;

/// A user. Nothing rewrites it.
const USER: ItemKind = ItemKind {
    name: "user",
    format: 1,
    attributes: &["id", "username", "role", "client_id", "password_hash", "branch_id"],
};
/// The name of a user.
const NAME: ItemKind = ItemKind { name: "user name", format: 1, attributes: &["user"] };

/// A user to create.
pub struct NewUser {
    /// The name to sign in with, unique in the deployment.
    pub username: String,
    /// The password; only its hash is kept.
    pub password: String,
    /// What the user may do.
    pub role: Role,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; `None` for a super admin only.
    pub branch_id: Option<BranchId>,
}

/// Why a user was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// Another user has the name.
    #[error("failed to create the user: the name is taken")]
    Taken,
    /// The client does not have the user's branch.
    #[error("failed to create the user: client {} has no branch {}", .0.client, .0.branch)]
    NoBranch(Room),
    /// A property of the user is not allowed.
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
    /// Creates a user and its name in one transaction. The name is stored composed; see [`credentials`].
    ///
    /// The branch must be one of `branches`: the first commit of a user makes its branch, in case the tables
    /// were put back to before it was created, and must not make one whose name was mistyped here.
    pub async fn create(&self, branches: &Branches, new: NewUser) -> Result<User, CreateUserError> {
        new.check()?;
        if let Some(branch) = new.branch_id.clone() {
            let room = Room { client: new.client_id.clone(), branch };
            let exists = branches.exists(&room, &mut Cost::default()).await;
            if !exists.map_err(CreateUserError::Store)? {
                return Err(CreateUserError::NoBranch(room));
            }
        }
        let bad_name = CreateUserError::Bad(
            "a name has letters, digits and punctuation, and single spaces between words",
        );
        let username = credentials::new_name(&new.username).ok_or(bad_name)?;
        let hash = password::hash(&new.password).map_err(CreateUserError::Hash)?;
        let NewUser { role, client_id, branch_id, .. } = new;
        let user = User { id: random::token::<12>(), username, role, client_id, branch_id };
        let mut name = keys::name(&user.username);
        name.insert("user".into(), text(user.id.clone()));
        // An older user may have the name in another spelling.
        let others = credentials::name_spellings(&user.username).into_iter().skip(1);
        let checks = others.map(|other| self.table.check(keys::name(&other), Condition::Absent));
        let puts = [name, to_item(&user, &hash)].map(|item| self.table.put(item, Condition::Absent));
        let actions =
            puts.into_iter().chain(checks).collect::<Result<_, _>>().map_err(CreateUserError::Store)?;
        match self.table.transact(actions, &mut Cost::default()).await {
            Ok(()) => Ok(user),
            Err(StoreError::Lost) => Err(CreateUserError::Taken),
            Err(error) => Err(CreateUserError::Store(error)),
        }
    }

    /// The user with this id. A damaged one counts as missing.
    pub async fn user(&self, id: &str) -> Result<Option<User>, StoreError> {
        let item = self.table.get(keys::user(id), &mut Cost::default()).await?;
        Ok(item.map(|item| readable(&USER, &item, to_user)).transpose()?.flatten())
    }

    /// The user with this name, in any of its spellings, and the password hash. The spelling as sent comes
    /// first: older users may differ only in the spelling. A damaged item counts as missing.
    pub async fn user_and_hash(&self, username: &str) -> Result<Option<(User, String)>, StoreError> {
        let mut name = None;
        // Every spelling is read, so that the time does not tell which exists.
        for spelling in credentials::name_spellings(username) {
            let found = self.table.get(keys::name(&spelling), &mut Cost::default()).await?;
            name = name.or(found);
        }
        // An unknown name looks up a user without an id, so that it takes the same time.
        let id = name.map(|name| readable(&NAME, &name, to_user_id)).transpose()?.flatten();
        let key = keys::user(id.as_deref().unwrap_or_default());
        let item = self.table.get(key, &mut Cost::default()).await?;
        Ok(item.map(|item| readable(&USER, &item, to_user_and_hash)).transpose()?.flatten())
    }
}

fn to_item(user: &User, password_hash: &str) -> Item {
    let mut item = keys::user(&user.id);
    let mut put = |name: &str, value: &str| item.insert(name.to_owned(), text(value));
    put("id", &user.id);
    put("username", &user.username);
    put("role", &user.role.to_string());
    put("client_id", user.client_id.as_str());
    put("password_hash", password_hash);
    if let Some(branch) = &user.branch_id {
        put("branch_id", branch.as_str());
    }
    item
}

fn to_user(item: &Item) -> Result<User, StoreError> {
    USER.read(item, |item| {
        Ok(User {
            id: get(item, "id", as_text)?.clone(),
            username: get(item, "username", as_text)?.clone(),
            role: get(item, "role", as_parsed)?,
            client_id: get(item, "client_id", as_parsed)?,
            branch_id: optional(item, "branch_id", as_parsed)?,
        })
    })
}

fn to_user_and_hash(item: &Item) -> Result<(User, String), StoreError> {
    Ok((to_user(item)?, get(item, "password_hash", as_text)?.clone()))
}

fn to_user_id(item: &Item) -> Result<String, StoreError> {
    NAME.read(item, |item| get(item, "user", as_text).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::{dynamo_json, number};
    use crate::dynamo::kind::FORMAT;

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
            assert_eq!(to_user(&to_item(&user, "hash")).unwrap(), user);
        }
    }

    #[test]
    fn users_are_read_and_written_as_before() {
        for item in include_str!("../../golden/user.jsonl").lines().map(dynamo_json) {
            let (user, hash) = to_user_and_hash(&item).unwrap();
            assert_eq!(to_item(&user, &hash), item);
            let rest = item.keys().filter(|name| !["pk", "sk"].contains(&name.as_str()));
            assert!(rest.into_iter().all(|name| USER.attributes.contains(&name.as_str())));
        }
        let name = dynamo_json(include_str!("../../golden/name.jsonl").trim_end());
        assert!(keys::name("till-1").iter().all(|(part, value)| name[part] == *value));
        assert_eq!(to_user_id(&name).unwrap(), "u1");
    }

    #[test]
    fn a_newer_format_of_a_user_or_a_name_is_not_damage() {
        let mut newer = Item::from([(FORMAT.to_owned(), number(2))]);
        let errors = [to_user(&newer).unwrap_err(), to_user_id(&newer).unwrap_err()];
        assert!(errors.iter().all(|error| matches!(error, StoreError::Newer { format: 2, .. })));
        newer.clear();
        assert!(to_user_and_hash(&newer).unwrap_err().is_damage());
        assert!(to_user_id(&newer).unwrap_err().is_damage());
    }

    #[test]
    fn a_super_admin_has_no_branch_and_every_other_user_has_one() {
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
