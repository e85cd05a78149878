//! Users whose passwords are stored on this machine: the demo users and those that `user add` created.

use std::path::Path;

use config::Secret;
use functions::accounts::users::NewUser;
use protocol::ids::{BadId, BranchId, ClientId};
use protocol::role::Role;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::private_file::{self, PrivateFileError};

const FILE: &str = "users.json";

/// A user with the password in plain text. The accounts table has only its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownUser {
    /// The name to sign in with.
    pub username: String,
    /// The password.
    #[serde(with = "keys::secret")]
    pub password: Secret,
    /// The user's client.
    pub client_id: ClientId,
    /// The user's branch; none for a super admin.
    pub branch_id: Option<BranchId>,
    /// What the user may do.
    pub role: Role,
}

impl From<KnownUser> for NewUser {
    fn from(user: KnownUser) -> NewUser {
        let KnownUser { username, password, client_id, branch_id, role } = user;
        NewUser { username, password: password.expose().to_owned(), role, client_id, branch_id }
    }
}

/// Two tills of one branch, one till of another branch, head office, and a till of another client.
const DEMO: [(&str, &str, Option<&str>, Role); 5] = [
    ("till-1", "1", Some("2"), Role::Cashier),
    ("till-2", "1", Some("2"), Role::Cashier),
    ("till-3", "1", Some("3"), Role::Cashier),
    ("boss", "1", None, Role::SuperAdmin),
    ("other", "2", Some("1"), Role::Cashier),
];

/// The demo users. Their passwords are not secret: the stack listens on this machine only.
pub(crate) fn demo() -> Result<Vec<KnownUser>, BadId> {
    let users = DEMO.iter().map(|(name, client, branch, role)| {
        Ok(KnownUser {
            username: (*name).to_owned(),
            password: Secret::new(format!("{name}-pass")),
            client_id: client.parse()?,
            branch_id: branch.map(str::parse).transpose()?,
            role: *role,
        })
    });
    users.collect()
}

pub(crate) fn load(folder: &Path) -> Result<Vec<KnownUser>, PrivateFileError> {
    Ok(private_file::read(&folder.join(FILE))?.unwrap_or_default())
}

/// Stores `users` in `folder`, replacing all others.
pub(crate) fn save(folder: &Path, users: &[KnownUser]) -> Result<(), PrivateFileError> {
    private_file::write(&folder.join(FILE), &users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_passwords() {
        let shown = format!("{:?}", demo().unwrap());
        assert!(shown.contains("till-1") && !shown.contains("-pass"), "{shown}");
    }

    #[test]
    fn the_demo_users_are_as_documented() {
        let users = demo().unwrap();
        let text = serde_json::to_string(&users).unwrap();
        assert!(text.contains(r#""username":"boss","password":"boss-pass","client_id":"1","branch_id":null,"role":"super_admin""#), "{text}");
        let branches: Vec<&str> =
            users.iter().filter_map(|user| Some(user.branch_id.as_ref()?.as_str())).collect();
        assert_eq!(branches, ["2", "2", "3", "1"]);
    }
}
