//! Accounts: the endpoints under `/api/auth/` and `/api/sessions`, and the accounts table, which only the
//! function `auth` may read.

pub mod login;
pub mod logout;
pub mod me;
pub mod refresh;
pub mod sessions;

pub mod attempts;
pub mod client_info;
pub mod credentials;
pub mod families;
pub mod family;
pub mod keys;
pub mod known_network;
pub mod password;
pub mod session_registry;
pub mod signer;
pub mod users;

mod family_item;
mod session_end;

use aws_sdk_dynamodb::Client;

use crate::dynamo::table::Table;

/// The accounts table: users, password hashes and families of refresh tokens.
#[derive(Clone, Debug)]
pub struct Accounts {
    table: Table,
}

impl Accounts {
    /// The accounts in the table `name`.
    pub fn new(client: Client, name: String) -> Accounts {
        Accounts { table: Table { client, name } }
    }
}
