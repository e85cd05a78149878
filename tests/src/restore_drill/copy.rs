//! A copy of a room at one moment, as point-in-time recovery makes it, and putting it back.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use functions::dynamo::item::Item;
use functions::sync::keys;
use protocol::ids::Room;

/// Why a copy cannot be made or put back.
type CopyError = Box<dyn std::error::Error>;

/// Partition key and sort key.
type Key = (String, String);

/// Every item of a room: HEAD, records, markers, dead letters, log, and its place in the list of branches.
pub(super) struct RoomCopy {
    client: Client,
    table: String,
    room: Room,
    items: BTreeMap<Key, Item>,
}

/// What putting a copy back changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// Items that were written since the copy, and are gone.
    pub removed: usize,
    /// Items that have their earlier content again.
    pub replaced: usize,
}

impl RoomCopy {
    /// Copies `room` from the sync table `table`.
    pub(super) async fn take(client: &Client, table: &str, room: &Room) -> Result<RoomCopy, CopyError> {
        let items = items(client, table, room).await?;
        Ok(RoomCopy { client: client.clone(), table: table.to_owned(), room: room.clone(), items })
    }

    /// Number of items.
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Makes the room what it was. No function may write to it meanwhile.
    pub(super) async fn put_back(&self) -> Result<PutBack, CopyError> {
        let mut done = PutBack::default();
        let now = items(&self.client, &self.table, &self.room).await?;
        for key in now.keys().filter(|key| !self.items.contains_key(*key)) {
            let key = [("pk", &key.0), ("sk", &key.1)]
                .map(|(name, text)| (name.to_owned(), AttributeValue::S(text.clone())));
            let delete = self.client.delete_item().table_name(&self.table);
            delete.set_key(Some(key.into())).send().await?;
            done.removed += 1;
        }
        for (key, item) in self.items.iter().filter(|(key, item)| now.get(*key) != Some(*item)) {
            let put = self.client.put_item().table_name(&self.table);
            put.set_item(Some(item.clone())).send().await?;
            done.replaced += usize::from(now.contains_key(key));
        }
        Ok(done)
    }
}

async fn items(client: &Client, table: &str, room: &Room) -> Result<BTreeMap<Key, Item>, CopyError> {
    let mut found = BTreeMap::new();
    for pk in [keys::room(room), keys::log(room), keys::client(&room.client)] {
        let query = client.query().table_name(table).consistent_read(true);
        let query = query.key_condition_expression("pk = :pk");
        let mut pages =
            query.expression_attribute_values(":pk", AttributeValue::S(pk)).into_paginator().items().send();
        while let Some(item) = pages.next().await.transpose()? {
            let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
            let key = text("pk").zip(text("sk")).ok_or("an item has no key")?;
            found.insert(key, item);
        }
    }
    Ok(found)
}
