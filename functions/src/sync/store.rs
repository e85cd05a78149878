//! The sync table: rooms, their records and their logs.

pub mod counts;
pub mod records;
pub mod undelivered;

mod clocks;
mod damage;
mod dead_letters;
mod head_office;
mod room;
mod transaction;

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use protocol::ids::Room;

use super::keys;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, key};
use crate::dynamo::table::Table;
use clocks::StoredClocks;
use damage::Damage;

/// The sync table. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    table: Table,
    clocks: StoredClocks,
    damage: Arc<Damage>,
}

impl Store {
    /// The store in the table `name`.
    pub fn new(client: Client, name: String) -> Store {
        Store { table: Table { client, name }, clocks: StoredClocks::default(), damage: Arc::default() }
    }

    /// How long DynamoDB takes to answer. Reads a key that no item has.
    pub async fn latency(&self) -> Result<Duration, StoreError> {
        let began = Instant::now();
        self.table.get(key(keys::HEALTH, keys::HEALTH), &mut Cost::default()).await?;
        Ok(began.elapsed())
    }

    /// The existing items of a room among `sort_keys`, each strongly consistent by itself.
    async fn items(
        &self,
        room: &Room,
        sort_keys: impl IntoIterator<Item = String>,
        cost: &mut Cost,
    ) -> Result<Vec<Item>, StoreError> {
        let keys = sort_keys.into_iter().map(|sk| key(keys::room(room), sk)).collect();
        self.table.batch_get(keys, cost).await
    }
}

/// A limit as the SDK takes it.
fn limit(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}
