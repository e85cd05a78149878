//! The log of every room: all items that were ever committed, including expired ones.

use std::collections::BTreeMap;

use functions::dynamo::error::StoreError;
use functions::dynamo::item::Item;
use functions::sync::items::to_log;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::wire::publication::{Publication, PublishedChange};
use sync::log;
use sync::tables::Tables;

use crate::sim::event_log::Event;
use crate::sim::storage;
use crate::sim::world::World;

/// The commits of each room, in order.
#[derive(Clone, Default)]
pub(crate) struct History {
    pub(crate) rooms: BTreeMap<Room, Vec<Commit>>,
    /// The last call that met it.
    pub(crate) last_call: u64,
}

#[derive(Clone)]
pub(crate) struct Commit {
    pub(crate) publication: Publication,
    /// The number of changes in the room so far.
    pub(crate) total: u64,
    /// An upper bound of its size in bytes.
    pub(crate) bytes: usize,
}

impl History {
    /// The history of a run. A restore begins another one; the last one is that of the tables now.
    pub(crate) fn all(world: &World) -> Vec<History> {
        let (mut now, mut ended, mut copies) = (History::default(), Vec::new(), BTreeMap::new());
        let events = world.log.entries().events.clone();
        for (number, event) in events.into_iter().enumerate() {
            match &event {
                Event::Copied => drop(copies.insert(number, now.clone())),
                Event::Restored { copy, calls } => {
                    now.last_call = *calls;
                    let earlier = copies.get(copy).cloned().unwrap_or_default();
                    ended.push(std::mem::replace(&mut now, earlier));
                }
                _ => {}
            }
            for (room, commit) in commits(world, &event) {
                now.rooms.entry(room).or_default().push(commit);
            }
        }
        now.last_call = u64::MAX;
        ended.push(now);
        ended
    }

    /// Every change of a room with its stamp, in order.
    pub(crate) fn changes(&self, room: &Room) -> impl Iterator<Item = (Stamp, &PublishedChange)> {
        self.rooms.get(room).into_iter().flatten().flat_map(|Commit { publication, .. }| {
            let changes = publication.changes.iter().enumerate();
            changes.map(|(i, change)| (publication.first.plus(i), change))
        })
    }
}

/// The log items that an event stored. One that cannot be read is a violation.
pub(crate) fn commits(world: &World, event: &Event) -> Vec<(Room, Commit)> {
    let Event::Committed { puts, .. } = event else { return Vec::new() };
    let commit = |item| {
        let room = keys::room_of_log(storage::key(item, "pk"))?;
        let parsed = commit(&world.tables, &room, item);
        let report = |error: &StoreError| {
            world.log.violation("log", format!("a log item cannot be read: {error}"));
        };
        Some((room, parsed.inspect_err(report).ok()?))
    };
    puts.iter().filter_map(commit).collect()
}

fn commit(tables: &Tables, room: &Room, item: &Item) -> Result<Commit, StoreError> {
    let item = to_log(item)?;
    let bytes = item.body.len() + item.device.as_str().len() + 256;
    Ok(Commit { total: item.total, publication: log::publication(tables, room, &item)?, bytes })
}

/// The table and id of a change, for messages.
pub(crate) fn name(change: &PublishedChange) -> String {
    format!("{} {}", change.table_name, change.record_id)
}
