//! The accounts table: users, their passwords' hashes, their refresh tokens. Only `auth` may read it.

pub mod family;
mod family_item;
pub mod keys;
pub mod live;
pub mod origin;
pub mod password;
pub mod session;
pub mod signer;
pub mod user;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::store::error::StoreError;
use crate::store::item::Item;

pub use user::{CreateUserError, NewUser};

/// The accounts table.
#[derive(Clone, Debug)]
pub struct Accounts {
    client: Client,
    table: String,
}

impl Accounts {
    /// The accounts in `table`.
    pub fn new(client: Client, table: String) -> Accounts {
        Accounts { client, table }
    }

    async fn get(&self, key: [String; 2]) -> Result<Option<Item>, StoreError> {
        let request = self.client.get_item().table_name(&self.table).consistent_read(true);
        Ok(request.set_key(Some(key_attributes(key))).send().await?.item)
    }
}

fn key_attributes([pk, sk]: [String; 2]) -> Item {
    HashMap::from([("pk".into(), AttributeValue::S(pk)), ("sk".into(), AttributeValue::S(sk))])
}
