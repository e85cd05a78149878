//! The clock readings of a room's devices.
//!
//! A process remembers which readings it has seen stored, so that a push costs more requests only when its
//! reading may say something new: the first push of a device per process and hour, or after its clock was
//! set.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use hashlink::LruCache;
use protocol::ids::{DeviceId, Room};
use sync::clocks::{ClockReading, Clocks};

use super::Store;
use crate::dynamo::cost::Cost;
use crate::dynamo::error::StoreError;
use crate::dynamo::item::{Item, as_number, get, key, number};
use crate::dynamo::table::if_condition_held;
use crate::limits::STORED_CLOCKS_MAX;
use crate::sync::items::{CLOCKS, from_clocks, to_clocks};
use crate::sync::keys;

/// The readings that this process has seen stored. Clones share them.
#[derive(Clone)]
pub(super) struct StoredClocks(Arc<Mutex<LruCache<(Room, DeviceId), ClockReading>>>);

impl Default for StoredClocks {
    fn default() -> StoredClocks {
        StoredClocks(Arc::new(Mutex::new(LruCache::new(STORED_CLOCKS_MAX))))
    }
}

impl std::fmt::Debug for StoredClocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredClocks")
    }
}

impl StoredClocks {
    fn get(&self, room: &Room, device: &DeviceId) -> Option<ClockReading> {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stored.get(&(room.clone(), device.clone())).copied()
    }

    fn remember(&self, room: &Room, device: &DeviceId, reading: ClockReading) {
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stored.insert((room.clone(), device.clone()), reading);
    }
}

impl Store {
    /// Stores the readings of devices of the room that say something new. Of two calls that store at once,
    /// one leaves its readings out until the devices' next pushes.
    pub async fn note_clocks(
        &self,
        room: &Room,
        readings: &[(&DeviceId, ClockReading)],
        cost: &mut Cost,
    ) -> Result<(), StoreError> {
        let is_new = |stored: Option<ClockReading>, reading: ClockReading| {
            stored.is_none_or(|stored| stored.is_outdated_by(reading))
        };
        let new = readings.iter().filter(|(device, reading)| is_new(self.clocks.get(room, device), *reading));
        let new: Vec<(&DeviceId, ClockReading)> = new.copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        let items = self.items(room, [keys::CLOCKS.to_owned()], cost).await?;
        let read = |item: &Item| Ok((to_clocks(item)?, get(item, "revision", as_number)?));
        let (mut clocks, revision) = match items.first() {
            None => (Clocks::default(), 0),
            Some(item) => match self.readable(&CLOCKS, item, |item| CLOCKS.read(item, read))? {
                Some(stored) => stored,
                // A person repairs or deletes it; nothing but the statistics needs it.
                None => return Ok(()),
            },
        };
        let (new, known): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|(device, reading)| is_new(clocks.get(device), *reading));
        for (device, _) in known {
            if let Some(stored) = clocks.get(device) {
                self.clocks.remember(room, device, stored);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        new.iter().for_each(|(device, reading)| clocks.note(device, *reading));
        if self.put_clocks(room, &clocks, revision, cost).await? {
            new.iter().for_each(|(device, reading)| self.clocks.remember(room, device, *reading));
        }
        Ok(())
    }

    /// Whether the item still had `revision` (0: no item) and now has `clocks`.
    async fn put_clocks(
        &self,
        room: &Room,
        clocks: &Clocks,
        revision: u64,
        cost: &mut Cost,
    ) -> Result<bool, StoreError> {
        let request = self.table.client.update_item().table_name(&self.table.name);
        let request = request
            .set_key(Some(key(keys::room(room), keys::CLOCKS)))
            .update_expression("SET #clocks = :clocks, #revision = :next")
            .condition_expression("attribute_not_exists(pk) OR #revision = :revision")
            .expression_attribute_names("#clocks", "clocks")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_values(":clocks", from_clocks(clocks))
            .expression_attribute_values(":revision", number(revision))
            .expression_attribute_values(":next", number(revision.saturating_add(1)));
        let result = request.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await;
        let output = if_condition_held(result, cost)?;
        if let Some(output) = &output {
            cost.wrote(output.consumed_capacity());
        }
        Ok(output.is_some())
    }
}
