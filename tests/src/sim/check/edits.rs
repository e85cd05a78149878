//! I1: every edit ends. Each record that a cashier wrote was answered once, applied, in conflict or rejected,
//! or belongs to a batch that no server could take.

use std::collections::BTreeMap;

use protocol::limits::{BATCH_BYTES_MAX, PUSH_RECORDS_MAX, RECORD_BYTES_MAX};
use protocol::wire::push::{PushRecord, PushRequest, PushResponse};

use crate::sim::world::World;

pub(crate) fn check(world: &World) {
    for device in &world.devices {
        let (name, room) = (&device.actor.device, &device.actor.caller.room);
        let wrong = |what: String| world.log.violation("edits", format!("{name} in {room} {what}"));
        let mut open = Records::default();
        device.edits().iter().flat_map(|batch| &batch.records).for_each(|record| open.add(record, 1));
        device.given_up().iter().flat_map(|batch| &batch.records).for_each(|record| open.add(record, -1));
        for (batch, response) in device.answered() {
            batch.records.iter().for_each(|record| open.add(record, -1));
            if let Some(what) = difference(&batch, &response) {
                wrong(format!("got a wrong response: {what}"));
            }
        }
        for (record, count) in open.0.iter().filter(|(_, count)| **count != 0) {
            let what = if *count > 0 { "was never answered" } else { "was answered more often than written" };
            wrong(format!("has an edit that {what}: {}", record.chars().take(300).collect::<String>()));
        }
    }
}

/// How often each record, as JSON, was written and not answered yet.
#[derive(Default)]
struct Records(BTreeMap<String, i64>);

impl Records {
    fn add(&mut self, record: &PushRecord, count: i64) {
        *self.0.entry(serde_json::to_string(record).unwrap_or_default()).or_default() += count;
    }
}

/// Whether the server may refuse a batch as too large. A record over its own limit fails alone: it counts as
/// what the server keeps of it.
pub(crate) fn is_too_large(batch: &PushRequest) -> bool {
    let bytes = |record: &PushRecord| {
        record.data.as_ref().map_or(0, |data| data.as_str().len()).min(RECORD_BYTES_MAX)
    };
    batch.records.len() > PUSH_RECORDS_MAX || batch.records.iter().map(bytes).sum::<usize>() > BATCH_BYTES_MAX
}

/// What is wrong with the outcomes of a response. Each record has exactly one; in a batch that was rolled
/// back, at most one.
fn difference(batch: &PushRequest, response: &PushResponse) -> Option<String> {
    let mut found = vec![0_usize; batch.records.len()];
    let applied = response.applied.iter().map(|applied| applied.index);
    let conflicts = response.conflicts.iter().map(|conflict| conflict.index);
    let errors = response.errors.iter().map(|error| error.index);
    for index in applied.chain(conflicts).chain(errors) {
        match found.get_mut(index) {
            Some(count) => *count += 1,
            None => return Some(format!("it names record {index} of {}", batch.records.len())),
        }
    }
    let rolled_back = batch.atomic && !response.success;
    let is_right = |count: &usize| *count == 1 || (rolled_back && *count == 0);
    (!found.iter().all(is_right)).then(|| format!("its records have {found:?} outcomes"))
}
