//! I2, I7: stock is its initial value plus every delta that a response reported as applied, each counted
//! once.

use std::collections::{BTreeMap, BTreeSet};

use model::{decimal, member};
use protocol::ids::Room;
use protocol::record::Operation;
use protocol::stamp::Stamp;
use protocol::wire::push::{AppliedRecord, Conflict, PushRecord, PushRequest, PushResponse, RejectedRecord};

use super::history::History;
use super::model_run::ModelRun;
use crate::sim::storage;
use crate::sim::world::World;

/// The table whose rows are never deleted, and its additive member.
pub(crate) const TABLE: &str = "product_stock";
pub(crate) const SUM: &str = "quantity";

pub(crate) fn check(world: &World, room: &Room, history: &History, run: &ModelRun) {
    let (mut expected, mut unknown) = (BTreeMap::<String, i128>::new(), BTreeSet::new());
    let mut creates = BTreeMap::new();
    for (stamp, change) in history.changes(room) {
        if change.table_name == TABLE && change.operation == Operation::Create {
            expected.insert(change.record_id.clone(), sum(change.data.as_str()));
            creates.insert(change.record_id.clone(), stamp);
        }
    }
    let creators = creators(world, room, run, &creates);
    for (id, delta) in run.state.replayed.get(room).into_iter().flatten() {
        *expected.entry(id.clone()).or_default() += delta;
    }
    for device in world.devices.iter().filter(|device| device.actor.caller.room == *room) {
        // Nothing tells whether these were applied.
        let lost = device.given_up();
        unknown.extend(lost.into_iter().flat_map(|batch| batch.records).map(|record| record.record_id));
        for (batch, response) in device.answered() {
            let has_lost_marker = run.has_lost_marker(room, &batch);
            for (index, record) in batch.records.iter().enumerate() {
                if record.table_name != TABLE {
                    continue;
                }
                let is_too_old = |error: &RejectedRecord| error.index == index && error.code == "too_old";
                // "already_exists": it edited what its device had just created; sent again, it meets its own
                // version.
                let reasons = ["outcome_unknown", "already_exists"];
                let is_unknown = |conflict: &Conflict| {
                    conflict.index == index && reasons.contains(&conflict.reason.as_str())
                };
                let is_unclear =
                    response.errors.iter().any(is_too_old) || response.conflicts.iter().any(is_unknown);
                if has_lost_marker && is_unclear {
                    // Its response was lost, and the batch came again when its marker was gone.
                    unknown.insert(record.record_id.clone());
                }
                let is_create = |applied: &AppliedRecord| {
                    creates.get(&record.record_id) == Some(&applied.stamp)
                        || is_creator(&creators, &batch, index)
                };
                let delta = applied_delta(&batch, &response, index, record, is_create);
                *expected.entry(record.record_id.clone()).or_default() += delta;
            }
        }
    }
    for ((table, id), record) in storage::records(world.network.tables(), room) {
        let Ok(record) = record else { continue };
        let found = sum(record.data.as_str());
        let wanted = expected.get(&id).copied().unwrap_or_default();
        if table == TABLE && found != wanted && !unknown.contains(&id) {
            let (found, wanted) = (decimal::format(found, 0), decimal::format(wanted, 0));
            world.log.violation("sums", format!("{room}: {id} has {found}, its deltas give {wanted}"));
        }
    }
}

fn sum(data: &str) -> i128 {
    let value = member::parse(data).and_then(|members| decimal::parse(members.get(SUM)?));
    value.unwrap_or_default()
}

/// The batches that created rows, as device, batch id and row.
fn creators(
    world: &World,
    room: &Room,
    run: &ModelRun,
    creates: &BTreeMap<String, Stamp>,
) -> BTreeSet<(String, String, String)> {
    let entries = world.log.entries();
    let pushes = run.predictions.iter().filter_map(|(call, prediction)| {
        let push = entries.calls.get(call).filter(|push| push.room == *room)?;
        Some((serde_json::from_str::<PushRequest>(&push.body).ok()?, prediction))
    });
    let rows = pushes.flat_map(|(push, prediction)| {
        let is_new = |row: &String| {
            creates.get(row).is_some_and(|stamp| prediction.prev < stamp.0 && stamp.0 <= prediction.stamp)
        };
        let sums = push.records.into_iter().filter(|record| record.table_name == TABLE);
        let new = sums.map(|record| record.record_id).filter(is_new).collect::<Vec<_>>();
        let (device, batch) = (push.device_id, push.batch_id.unwrap_or_default());
        new.into_iter().map(move |row| (device.clone(), batch.clone(), row))
    });
    rows.collect()
}

/// Whether this record of `batch` created its row. A repeated response may show a later change of the row, so
/// its stamp does not tell.
fn is_creator(creators: &BTreeSet<(String, String, String)>, batch: &PushRequest, index: usize) -> bool {
    let Some(record) = batch.records.get(index) else { return false };
    let is_same =
        |other: &PushRecord| (&other.table_name, &other.record_id) == (&record.table_name, &record.record_id);
    let batch_id = batch.batch_id.clone().unwrap_or_default();
    let name = (batch.device_id.clone(), batch_id, record.record_id.clone());
    batch.records.iter().position(is_same) == Some(index) && creators.contains(&name)
}

/// The delta of one record that was applied to an existing row.
fn applied_delta(
    batch: &PushRequest,
    response: &PushResponse,
    index: usize,
    record: &PushRecord,
    is_create: impl Fn(&AppliedRecord) -> bool,
) -> i128 {
    let is_update = |applied: &AppliedRecord| applied.index == index && !is_create(applied);
    let applied = response.applied.iter().any(is_update);
    // A conflict over the other members does not undo the deltas.
    let merging = ["newer_on_server", "unknown_version"];
    let is_merged =
        |conflict: &Conflict| conflict.index == index && merging.contains(&conflict.reason.as_str());
    let merged = response.conflicts.iter().any(is_merged);
    let rolled_back = batch.atomic && !response.success;
    let covered = record.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == SUM));
    let value = record.data.as_ref().and_then(|data| member::parse(data.as_str())?.get(SUM).cloned());
    let value = value.filter(|_| covered && !rolled_back && (applied || merged));
    value.and_then(|value| decimal::parse(&member::delta(&value)?)).unwrap_or_default()
}
