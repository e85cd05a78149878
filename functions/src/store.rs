//! The sync table: rooms, their records, their logs. The only place that speaks DynamoDB for sync.

pub mod commit;
pub mod cost;
pub mod dead;
pub mod error;
pub mod feed;
pub mod item;
pub mod keys;
pub mod load;
pub mod read;

use aws_sdk_dynamodb::Client;

/// The sync table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// The store in `table`.
    pub fn new(client: Client, table: String) -> Store {
        Store { client, table }
    }
}
