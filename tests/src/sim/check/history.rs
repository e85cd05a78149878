//! Every log item that was ever committed, expired or not.

use std::collections::BTreeMap;

use functions::sync::items::to_log;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::wire::publication::{Publication, PublishedChange};
use sync::log;
use sync::tables::Tables;

use crate::sim::journal::{Event, Journal};
use crate::sim::wire;
use crate::sim::world::World;

/// The commits of each room, in order, with the bytes of their log items.
pub struct History {
    /// By room.
    pub rooms: BTreeMap<Room, Vec<Commit>>,
}

/// A log item.
pub struct Commit {
    /// What it holds.
    pub publication: Publication,
    /// Changes in the room up to its end.
    pub total: u64,
    /// Its size, as far as it can grow.
    pub bytes: usize,
}

/// A change, and its place.
pub type Placed<'a> = (Stamp, &'a Publication, &'a PublishedChange);

impl History {
    /// The history of a run.
    pub fn of(world: &World) -> History {
        let mut rooms: BTreeMap<Room, Vec<Commit>> = BTreeMap::new();
        for event in world.journal.events() {
            let Event::Committed { puts, .. } = event else { continue };
            for item in &puts {
                let Some(room) = keys::room_of_log(wire::key(item, "pk")) else { continue };
                match read(&world.tables, &room, item) {
                    Ok(commit) => rooms.entry(room).or_default().push(commit),
                    Err(error) => world.journal.find("log", format!("a log item cannot be read: {error}")),
                }
            }
        }
        History { rooms }
    }

    /// Every change of a room, in order.
    pub fn changes(&self, room: &Room) -> impl Iterator<Item = Placed<'_>> {
        self.rooms.get(room).into_iter().flatten().flat_map(|commit| {
            let publication = &commit.publication;
            let place = move |(i, change)| (publication.first.plus(i), publication, change);
            publication.changes.iter().enumerate().map(place)
        })
    }
}

fn read(
    tables: &Tables,
    room: &Room,
    item: &functions::dynamo::item::Item,
) -> Result<Commit, functions::dynamo::error::StoreError> {
    let item = to_log(item)?;
    let bytes = item.body.len() + item.device.as_str().len() + 256;
    Ok(Commit { total: item.total, publication: log::publication(tables, room, &item)?, bytes })
}

/// Names a change in a finding.
pub fn name(change: &PublishedChange) -> String {
    format!("{} {}", change.table_name, change.record_id)
}

/// Says that something in `room` is wrong, by which rule.
pub fn wrong(journal: &Journal, rule: &'static str, room: &Room, what: &str) {
    journal.find(rule, format!("{room}: {what}"));
}
