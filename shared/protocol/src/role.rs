//! Roles of users.

use serde::{Deserialize, Serialize};
use strum::Display;

/// A role; each may do more than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Display)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Works at a till.
    Cashier,
    /// Manages a branch.
    Manager,
    /// Administers a client.
    Admin,
    /// Head office: every branch of its client.
    SuperAdmin,
}

impl Role {
    /// The permissions that `GET /api/auth/me` lists.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Role::Cashier => &["sync:push", "sync:pull", "room:own"],
            Role::Manager | Role::Admin => &["sync:push", "sync:pull", "room:own", "dead_letters"],
            Role::SuperAdmin => &["sync:push", "sync:pull", "branch:any", "room:any", "dead_letters"],
        }
    }
}

impl std::str::FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Role, Self::Err> {
        match text {
            "cashier" => Ok(Role::Cashier),
            "manager" => Ok(Role::Manager),
            "admin" => Ok(Role::Admin),
            "super_admin" => Ok(Role::SuperAdmin),
            _ => Err("a role is cashier, manager, admin or super_admin"),
        }
    }
}
