//! I3, I5, I8: every till holds the stored records, and never saw a change of another room or above its role.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{Key, table_rule};
use protocol::ids::Room;
use protocol::role::Role;
use protocol::timestamp::DAY_SECS;
use protocol::wire::pull::PullResponse;

use super::history::History;
use crate::sim::actors::Caller;
use crate::sim::rng::Rng;
use crate::sim::server::ApiRequest;
use crate::sim::storage;
use crate::sim::world::World;
use crate::till::rows::{Row, Rows};
use crate::till::state::State;

/// Differences that are reported of one till.
const SHOWN_MAX: usize = 3;
/// Maximum number of requests of one till.
const REQUESTS_MAX: usize = 5000;

/// The stored records of a room that `role` may read.
fn stored(world: &World, room: &Room, role: Role) -> Rows {
    let mut rows = Rows::default();
    for ((table, id), record) in storage::records(world.network.tables(), room) {
        if let Ok(record) = record
            && may_read(role, &table)
        {
            let (version, stamp, deleted) = (record.version, record.stamp, record.deleted);
            rows.set(&table, &id, Row { data: record.data, version, stamp, deleted });
        }
    }
    rows.live()
}

/// Removes the records that the server cannot read: a till keeps what it has of them.
fn without_damaged(world: &World, room: &Room, mut held: Rows) -> Rows {
    let damaged = storage::records(world.network.tables(), room);
    let damaged: BTreeSet<Key> =
        damaged.into_iter().filter(|(_, record)| record.is_err()).map(|(key, _)| key).collect();
    held.retain(|key| !damaged.contains(key));
    held
}

/// Removes what a till with `held` may lack: records that it does not have and that have left their windows.
/// A record that it has is checked, however old it is.
fn without_left_out(world: &World, mut expected: Rows, held: &Rows) -> Rows {
    let now = world.clock.now().0;
    let is_old = |table: &str, row: &Row| {
        let days = table_rule(table).and_then(|rule| rule.window_days);
        days.is_some_and(|days| row.stamp.0 < now.saturating_sub(days * DAY_SECS * 1_000_000))
    };
    let left_out: BTreeSet<(String, String)> = expected
        .iter()
        .filter(|((table, id), row)| is_old(table, row) && held.get(table, id).is_none())
        .map(|(key, _)| key.clone())
        .collect();
    world.log.entries().coverage.situation("record left out by a window", !left_out.is_empty());
    expected.retain(|key| !left_out.contains(key));
    expected
}

fn may_read(role: Role, table: &str) -> bool {
    table_rule(table).is_some_and(|rule| role >= rule.read)
}

/// Checks that head office has every branch of its client, and no other.
pub(crate) fn check_head_office(world: &World) {
    let Some(head_office) = &world.head_office else { return };
    let wrong = |what: String| world.log.violation("head office", what);
    let mut branches = head_office.branches();
    for room in &world.branches {
        let held = branches.remove(room.branch.as_str()).unwrap_or_default().rows.live();
        let held = without_damaged(world, room, held);
        let expected = without_left_out(world, stored(world, room, Role::SuperAdmin), &held);
        for difference in held.differences(&expected, SHOWN_MAX) {
            wrong(format!("{room}: {difference}"));
        }
    }
    for branch in branches.keys() {
        wrong(format!("it saw the branch {branch}, which its client does not have"));
    }
}

/// Checks every till. It may have seen changes of all `histories`.
pub(crate) fn check(world: &World, histories: &[History]) {
    for device in &world.devices {
        let caller = device.caller();
        let (name, room) = (&device.actor.device, &caller.room);
        let wrong = |what: String| world.log.violation("tills", format!("{name} in {room} {what}"));
        let held = without_damaged(world, room, device.read(|state| state.rows.live()));
        let expected = without_left_out(world, stored(world, room, caller.role), &held);
        for difference in held.differences(&expected, SHOWN_MAX) {
            wrong(format!("differs from the server: {difference}"));
        }
        let changes = histories.iter().flat_map(|history| history.changes(room));
        let own: BTreeSet<(&str, &str, u64)> =
            changes.map(|(stamp, change)| (&*change.table_name, &*change.record_id, stamp.0)).collect();
        for (table, id, stamp) in device.seen() {
            if !may_read(device.highest_role(), &table) || !own.contains(&(&*table, &*id, stamp)) {
                wrong(format!("saw {table} {id} at {stamp}, which it may not read"));
            }
        }
    }
}

/// I3: a new till gets the same records as the others, in large pages and in small ones.
pub(crate) async fn check_fresh(world: &Arc<World>) {
    for room in world.rooms() {
        let Some(old) = world.devices.iter().find(|device| device.actor.caller.room == room) else {
            continue;
        };
        let caller = old.caller();
        let known = stored(world, &room, caller.role);
        for limit in [1000, 3] {
            let differences = match pull(world, &caller, limit).await {
                Ok(rows) => {
                    let rows = without_damaged(world, &room, rows.live());
                    rows.differences(&without_left_out(world, known.clone(), &rows), 3)
                }
                Err(error) => vec![error],
            };
            for difference in differences {
                let what = format!("a fresh till of {room} with pages of {limit}: {difference}");
                world.log.violation("fresh till", what);
            }
        }
    }
}

async fn pull(world: &Arc<World>, caller: &Caller, limit: usize) -> Result<Rows, String> {
    let (mut state, mut rng) = (State::default(), Rng::new(limit as u64));
    for _ in 0..REQUESTS_MAX {
        // Head office names the branch; a till names its own.
        let (query, branch) = (state.pull_query(), &caller.room.branch);
        let request = ApiRequest::Pull(format!("{query}&branch_id={branch}&limit={limit}"));
        let Some(reply) = world.server.call(caller, request, &mut rng).await else { continue };
        let page: PullResponse = serde_json::from_str(&reply.body).map_err(|_| reply.body.clone())?;
        if page.changes.len() > limit {
            return Err(format!("a page has {} changes", page.changes.len()));
        }
        if !state.take_page(&page).more {
            return Ok(state.rows);
        }
    }
    Err("the pull does not end".to_owned())
}
