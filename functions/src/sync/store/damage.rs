//! What is known of a room's damaged items: one item with the hashes of their keys, for the room's
//! statistics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::AttributeValue;
use protocol::ids::Room;
use protocol::timestamp::{DAY_SECS, Timestamp};

use super::Store;
use crate::dynamo::cost::Cost;
use crate::dynamo::damage::{pass_over, report};
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, as_text, key, number};
use crate::dynamo::kind::ItemKind;
use crate::dynamo::table::if_condition_held;
use crate::sync::keys;

/// Seconds that the damaged items of a room count after one of them was last found.
const KNOWN_SECS: u64 = 7 * DAY_SECS;
/// Seconds after which a process notes an item once more that it finds again.
const NOTE_AGAIN_SECS: u64 = 3600;
/// Number of damaged items from which on a room counts no more.
const COUNTED_MAX: usize = 1000;
/// Maximum number of damaged items that a process remembers.
const REMEMBERED_MAX: usize = 1000;

/// The damaged items that this process has found.
#[derive(Debug, Default)]
pub(super) struct Damage(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// Not noted yet.
    fresh: BTreeSet<(Room, String)>,
    /// When each was noted last.
    noted: BTreeMap<(Room, String), Timestamp>,
}

impl Damage {
    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, room: Room, hash: String) {
        let mut found = self.found();
        if found.fresh.len() < REMEMBERED_MAX {
            found.fresh.insert((room, hash));
        }
    }

    /// Takes the items to note at `now`, by room.
    fn take(&self, now: Timestamp) -> BTreeMap<Room, BTreeSet<String>> {
        let mut found = self.found();
        let fresh = std::mem::take(&mut found.fresh);
        found.noted.retain(|_, at| at.plus_secs(NOTE_AGAIN_SECS) > now);
        let mut rooms: BTreeMap<Room, BTreeSet<String>> = BTreeMap::new();
        for item in fresh {
            if found.noted.len() < REMEMBERED_MAX && !found.noted.contains_key(&item) {
                found.noted.insert(item.clone(), now);
                rooms.entry(item.0).or_default().insert(item.1);
            }
        }
        rooms
    }
}

impl Store {
    /// What `read` makes of `item`; `None` if the item is damaged, which is reported.
    pub(super) fn readable<T>(
        &self,
        kind: &ItemKind,
        item: &Item,
        read: impl FnOnce(&Item) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        pass_over(read(item), |error| self.report_damage(kind, item, error))
    }

    /// What `read` makes of the item `key`, strongly consistent. `None` if the item is missing or damaged;
    /// damage is reported.
    pub(super) async fn readable_item<T>(
        &self,
        kind: &ItemKind,
        key: Item,
        read: impl FnOnce(&Item) -> Result<T, StoreError>,
        cost: &mut Cost,
    ) -> Result<Option<T>, StoreError> {
        let item = self.table.get(key, cost).await?;
        Ok(item.map(|item| self.readable(kind, &item, read)).transpose()?.flatten())
    }

    /// Reports a damaged item of a room, of which at least the key can be read.
    pub fn report_damage(&self, kind: &ItemKind, item: &Item, error: &StoreError) {
        let hash = report(kind, item, error);
        if let Some(room) = item.get("pk").and_then(as_text).and_then(|pk| keys::room_of(pk)) {
            self.damage.add(room, hash);
        }
    }

    /// Notes the damaged items that were found for the statistics of their rooms. If this fails, the log
    /// still has them.
    pub async fn note_damage(&self, now: Timestamp) {
        for (room, hashes) in self.damage.take(now) {
            if let Err(error) = self.note(&room, hashes, now).await {
                tracing::warn!(%room, error = ?error, "noting damaged items failed");
            }
        }
    }

    async fn note(&self, room: &Room, hashes: BTreeSet<String>, now: Timestamp) -> Result<(), StoreError> {
        let ttl = now.plus_secs(KNOWN_SECS).as_secs();
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(key(keys::damage(room), keys::DAMAGE)))
            .update_expression("ADD #keys :keys SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(#keys) OR size(#keys) < :most")
            .expression_attribute_names("#keys", "keys")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":keys", AttributeValue::Ss(hashes.into_iter().collect()))
            .expression_attribute_values(":most", number(COUNTED_MAX as u64))
            .expression_attribute_values(":ttl", number(ttl));
        let noted = if_condition_held(request.send().await, &mut Cost::default())?;
        if noted.is_none() {
            // The item is full, and still counts.
            let request = self.table.client.update_item().table_name(&self.table.name);
            let request = request
                .set_key(Some(key(keys::damage(room), keys::DAMAGE)))
                .update_expression("SET #ttl = :ttl")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ttl", number(ttl));
            request.send().await?;
        }
        Ok(())
    }
}

/// The number of damaged items that `item` lists at `now`.
pub(super) fn count(item: &Item, now: Timestamp) -> u64 {
    let lives = item.get("ttl").and_then(as_number).is_some_and(|ttl| ttl > now.as_secs());
    let keys = item.get("keys").filter(|_| lives).and_then(|keys| keys.as_ss().ok());
    keys.map_or(0, |keys| keys.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamo::item::dynamo_json;

    #[test]
    fn an_item_that_is_found_again_is_noted_once_an_hour() {
        let (damage, room) = (Damage::default(), || "1:2".parse::<Room>().unwrap());
        let found = |at| {
            damage.add(room(), "a".into());
            damage.take(Timestamp(0).plus_secs(at)).len()
        };
        assert_eq!([found(0), found(1), found(NOTE_AGAIN_SECS - 1), found(NOTE_AGAIN_SECS)], [1, 0, 0, 1]);
    }

    #[test]
    fn a_process_remembers_a_bounded_number() {
        let damage = Damage::default();
        (0..REMEMBERED_MAX + 5).for_each(|i| damage.add("1:2".parse().unwrap(), i.to_string()));
        assert_eq!(damage.take(Timestamp(0)).values().map(BTreeSet::len).sum::<usize>(), REMEMBERED_MAX);
        damage.add("1:2".parse().unwrap(), "one more".into());
        assert!(damage.take(Timestamp(0)).is_empty());
    }

    #[test]
    fn damage_that_is_known_is_read_as_before() {
        let item = dynamo_json(include_str!("../../../golden/damage.jsonl").trim_end());
        let own = key(keys::damage(&"1:2".parse().unwrap()), keys::DAMAGE);
        assert!(own.iter().all(|(name, value)| item[name] == *value));
        assert_eq!(count(&item, Timestamp(1_765_708_200_000_000)), 2);
        assert_eq!(count(&item, Timestamp(1_765_708_201_000_000)), 0);
    }

    #[test]
    fn known_damage_counts_for_a_week() {
        let keys = AttributeValue::Ss(vec!["a".into(), "b".into()]);
        let item = Item::from([("keys".to_owned(), keys), ("ttl".to_owned(), number(8))]);
        assert_eq!((count(&item, Timestamp(7_000_000)), count(&item, Timestamp(8_000_000))), (2, 0));
    }
}
