//! What a user may do.

use serde::{Deserialize, Serialize};

/// What a user may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Works at a till.
    Cashier,
    /// Runs a branch.
    Manager,
    /// Runs a client's set-up.
    Admin,
    /// Head office: every branch of its client.
    SuperAdmin,
}

impl Role {
    /// What the role may do, as `GET /api/auth/me` lists it.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Role::Cashier => &["sync:push", "sync:pull", "room:own"],
            Role::Manager | Role::Admin => &["sync:push", "sync:pull", "room:own", "dead_letters"],
            Role::SuperAdmin => &["sync:push", "sync:pull", "branch:any", "dead_letters"],
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Cashier => "cashier",
            Role::Manager => "manager",
            Role::Admin => "admin",
            Role::SuperAdmin => "super_admin",
        })
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
