//! What `change-stream` could not deliver: rooms that did not answer, which are tried again from where they
//! stand.

use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

use super::Store;
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::readable;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, as_parsed, get, key, number};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::table::{Condition, Table, if_condition_held, page};
use crate::sync::keys;

/// A room that is behind.
const BEHIND: ItemKind =
    ItemKind { name: "room behind", format: 1, attributes: &["after", "since", "failures"] };

/// A room whose log was not published after a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehindRoom {
    /// The room.
    pub room: Room,
    /// The last stamp that it was told of.
    pub after: Stamp,
    /// How often it failed; tells whether it failed again meanwhile.
    failures: u64,
}

impl Store {
    /// The sync table, for the records that a stream function skips.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Notes that `room` was not told of the log after `after`; an earlier position that was noted stays.
    pub async fn note_behind(&self, room: &Room, after: Stamp, now: Timestamp) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(behind_key(room)))
            .update_expression(
                "SET #after = if_not_exists(#after, :after), #since = if_not_exists(#since, :now) \
                 ADD #failures :one",
            )
            .expression_attribute_names("#after", "after")
            .expression_attribute_names("#since", "since")
            .expression_attribute_names("#failures", "failures")
            .expression_attribute_values(":after", number(after.0))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":one", number(1));
        request.send().await?;
        Ok(())
    }

    /// The rooms that are behind, in one Query: 1 MB of them, some ten thousand. A damaged item is passed
    /// over.
    pub async fn behind(&self) -> Result<Vec<BehindRoom>, StoreError> {
        let query = self.table.query("pk = :pk", keys::BEHIND.to_owned());
        let found = page(query, &mut Cost::default()).await?;
        let read = |item| readable(&BEHIND, item, to_behind).transpose();
        found.items().iter().filter_map(read).collect()
    }

    /// Notes that `behind` was told of the log up to its end. If it failed again meanwhile, it stays noted.
    pub async fn forget_behind(&self, behind: &BehindRoom) -> Result<(), StoreError> {
        let condition = Condition::Equals("failures", number(behind.failures));
        let delete = self.table.delete(behind_key(&behind.room), condition)?;
        match self.table.transact(vec![delete], &mut Cost::default()).await {
            Err(StoreError::Lost) => Ok(()),
            other => other,
        }
    }

    /// Notes that `behind` was told of the log up to `after`, and not yet of the rest.
    pub async fn advance_behind(&self, behind: &BehindRoom, after: Stamp) -> Result<(), StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(behind_key(&behind.room)))
            .update_expression("SET #after = :after")
            .condition_expression("#after < :after")
            .expression_attribute_names("#after", "after")
            .expression_attribute_values(":after", number(after.0));
        if_condition_held(request.send().await, &mut Cost::default()).map(drop)
    }
}

fn behind_key(room: &Room) -> Item {
    key(keys::BEHIND, room.to_string())
}

fn to_behind(item: &Item) -> Result<BehindRoom, StoreError> {
    BEHIND.read(item, |item| {
        Ok(BehindRoom {
            room: get(item, "sk", as_parsed)?,
            after: Stamp(get(item, "after", as_number)?),
            failures: get(item, "failures", as_number)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::dynamo_json;

    /// The item as a release stored it; later ones must read it too.
    #[test]
    fn a_room_behind_is_read_as_before() {
        let item = dynamo_json(include_str!("../../../golden/behind.jsonl").trim_end());
        let room: Room = "1:2".parse().unwrap();
        assert!(behind_key(&room).iter().all(|(name, value)| item[name] == *value));
        let rest = item.keys().filter(|name| !["pk", "sk"].contains(&name.as_str()));
        assert!(rest.into_iter().all(|name| BEHIND.attributes.contains(&name.as_str())));
        let behind = BehindRoom { room, after: Stamp(1_765_103_401_000_122), failures: 2 };
        assert_eq!(to_behind(&item).unwrap(), behind);
        let newer = Item::from([("format".to_owned(), number(2))]);
        assert!(matches!(to_behind(&newer), Err(StoreError::Newer { format: 2, .. })));
    }
}
