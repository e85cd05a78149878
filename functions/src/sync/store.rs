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
use sha2::{Digest, Sha256};

use super::keys;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, key};
use crate::dynamo::table::Table;
use clocks::StoredClocks;
use damage::Damage;

/// Bytes of the identity of a history.
const HISTORY_BYTES: usize = 8;

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

    /// The identity of the history of `room`.
    pub fn history(&self, room: &Room) -> Option<String> {
        Some(history(&self.table.name, room))
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

/// A restore puts another table in the place of the one before, under a name that the deployment never had:
/// so the name tells the history of its rooms.
fn history(table: &str, room: &Room) -> String {
    let hash = Sha256::new().chain_update(table).chain_update("#").chain_update(room.to_string()).finalize();
    hex::encode(hash.get(..HISTORY_BYTES).unwrap_or_default())
}

/// A limit as the SDK takes it.
fn limit(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_room_of_each_table_has_a_history_of_its_own() {
        let of = |table: &str, room: &str| history(table, &room.parse().unwrap());
        assert_eq!(of("sync", "1:2").len(), 2 * HISTORY_BYTES);
        for (table, room) in [("sync-2", "1:2"), ("sync", "1:3"), ("sync", "2:2")] {
            assert_ne!(of("sync", "1:2"), of(table, room), "{table} {room}");
        }
    }
}
