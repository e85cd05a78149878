//! I3, I5, I8: every till holds what is stored, and never saw anything that was not its own.

use std::collections::BTreeSet;

use functions::sync::items::to_record;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::role::Role;

use super::history::History;
use super::replayed::key_of;
use super::rooms;
use crate::sim::model::rule;
use crate::sim::stored;
use crate::sim::wire;
use crate::sim::world::World;
use crate::till::rows::{Row, Rows};

/// Differences that are told of one till.
const SHOWN_MAX: usize = 3;

/// What is stored in a room, as far as `role` may read it.
fn truth(world: &World, room: &Room, role: Role) -> Rows {
    let mut truth = Rows::default();
    for item in stored::partition(world.line.tables(), &keys::room(room)) {
        let (Some(key), Ok(record)) = (key_of(wire::key(&item, "sk")), to_record(&item)) else { continue };
        let row = Row {
            data: record.data.as_str().to_owned(),
            version: record.version,
            stamp: record.stamp,
            deleted: record.deleted,
        };
        if rule(&key.0).is_some_and(|rule| role >= rule.read) {
            truth.set(&key.0, &key.1, row);
        }
    }
    truth
}

/// Checks head office: it has every branch of its client, and none of another.
pub fn check_overseer(world: &World) {
    let Some(overseer) = &world.overseer else { return };
    let client = &overseer.caller.room.client;
    let mut branches = overseer.branches();
    for room in rooms(world).into_iter().filter(|room| room.client == *client) {
        let held = branches.remove(room.branch.as_str()).unwrap_or_default().rows.live();
        for difference in held.differences(&truth(world, &room, Role::SuperAdmin).live(), SHOWN_MAX) {
            world.journal.find("head office", format!("{room}: {difference}"));
        }
    }
    for branch in branches.keys() {
        world.journal.find("head office", format!("it saw a branch {branch} that its client does not have"));
    }
}

/// Checks every till.
pub fn check(world: &World, history: &History) {
    for device in &world.devices {
        let caller = &device.part.caller;
        let (name, room) = (&device.part.device, &caller.room);
        let truth = truth(world, room, caller.role);
        let held = device.read(|state| state.rows.live());
        for difference in held.differences(&truth.live(), SHOWN_MAX) {
            world.journal.find(
                "tills",
                format!("{name} in {room} holds something else than the server: {difference}"),
            );
        }
        let own: BTreeSet<(&str, &str, u64)> = history
            .changes(room)
            .map(|(stamp, _, change)| (&*change.table_name, &*change.record_id, stamp.0))
            .collect();
        for (table, id, stamp) in device.seen() {
            let allowed = rule(&table).is_some_and(|rule| caller.role >= rule.read);
            if !allowed || !own.contains(&(&*table, &*id, stamp)) {
                world.journal.find(
                    "tills",
                    format!("{name} in {room} saw {table} {id} of {stamp}, which is not its own"),
                );
            }
        }
    }
}
