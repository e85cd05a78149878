//! Groups inside a batch: what a commit wrote, and what its response says, is all of a group or nothing of
//! it.

use std::collections::BTreeSet;

use functions::dynamo::item::Item;
use model::Key;
use protocol::wire::push::{PushRequest, PushResponse};

use super::model_run::ModelRun;
use crate::sim::event_log::{Event, EventLog, PushCall};
use crate::sim::storage;

pub(crate) fn check(run: &ModelRun, log: &EventLog) {
    let events = log.entries().events.clone();
    for event in &events {
        let Event::Committed { call, puts, .. } = event else { continue };
        let pushes = log.entries().pushes(*call);
        let Some(room) = pushes.first().map(|(_, push)| push.room.clone()) else { continue };
        let body = |(number, push): (u64, PushCall)| Some((number, serde_json::from_str(&push.body).ok()?));
        let bodies: Vec<(u64, PushRequest)> = pushes.into_iter().filter_map(body).collect();
        // The response of a batch with a damaged marker does not tell its outcomes.
        for (number, body) in bodies.iter().filter(|(_, body)| !run.has_lost_marker(&room, body)) {
            let reply = log.entries().replies.iter().find(|reply| reply.call == *number).cloned();
            let response = reply.and_then(|reply| serde_json::from_str::<PushResponse>(&reply.body).ok());
            let others = bodies.iter().filter(|(other, _)| other != number).map(|(_, body)| body);
            let others: BTreeSet<Key> = others.flat_map(|body| keys(body, None)).collect();
            for what in response.iter().flat_map(|response| halves(body, response, &written(puts), &others)) {
                log.violation("groups", format!("call {call} {what}"));
            }
        }
    }
}

/// The groups of `body` that were applied in part, by the response or by the keys that were `written`. A
/// record that `others` or the rest of the batch also write tells nothing.
fn halves(
    body: &PushRequest,
    response: &PushResponse,
    written: &BTreeSet<Key>,
    others: &BTreeSet<Key>,
) -> Vec<String> {
    let groups: BTreeSet<&String> = body.records.iter().filter_map(|record| record.group.as_ref()).collect();
    let mut found = Vec::new();
    // An atomic batch is applied as a whole anyway, and an empty name is none.
    for name in groups.into_iter().filter(|name| !name.is_empty() && !body.atomic) {
        let is_of_group =
            |index: usize| body.records.get(index).is_some_and(|it| it.group.as_ref() == Some(name));
        let all = body.records.iter().filter(|record| record.group.as_ref() == Some(name)).count();
        let applied = response.applied.iter().filter(|applied| is_of_group(applied.index)).count();
        if applied != 0 && applied != all {
            found.push(format!("answers {applied} of {all} records of the group {name:?} as applied"));
        }
        let rest = keys(body, Some(name));
        let mut own = body.records.iter().filter(|record| record.group.as_ref() == Some(name));
        let traces = own.find(|record| {
            let key = (record.table_name.clone(), record.record_id.clone());
            written.contains(&key) && !rest.contains(&key) && !others.contains(&key)
        });
        if let Some(record) = traces.filter(|_| applied < all) {
            let key = (&record.table_name, &record.record_id);
            found.push(format!("wrote {key:?} of the group {name:?}, which is undone"));
        }
    }
    found
}

/// The keys of the records of `body` that are not in the group `except`.
fn keys(body: &PushRequest, except: Option<&String>) -> BTreeSet<Key> {
    let records = body.records.iter().filter(|record| except.is_none() || record.group.as_ref() != except);
    records.map(|record| (record.table_name.clone(), record.record_id.clone())).collect()
}

/// The keys of the records among `puts`.
fn written(puts: &[Item]) -> BTreeSet<Key> {
    puts.iter().filter_map(|put| storage::record_key(storage::key(put, "sk"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batch() -> PushRequest {
        let record = |id: &str, group: &str| json!({"table_name": "t", "record_id": id, "data": {}, "local_updated_at": "x", "group": group});
        let records = [record("a", "s1"), record("b", "s1"), record("c", "s2"), record("b", "s2")];
        serde_json::from_value(json!({"device_id": "d", "records": records})).unwrap()
    }

    /// The response by which the records `applied` are applied and all others rejected.
    fn response(applied: &[usize]) -> PushResponse {
        let error = |index: usize| json!({"index": index, "table_name": "t", "record_id": "x", "code": "x", "message": ""});
        let applied_record = |index: usize| json!({"index": index, "table_name": "t", "record_id": "x", "version": 1, "stamp": 7, "server_updated_at": ""});
        let errors = (0..4).filter(|index| !applied.contains(index)).map(error);
        serde_json::from_value(
            json!({"success": true, "synced_count": 0, "conflicts": [], "prev": 1, "stamp": 7,
            "cursor": "", "server_time": "", "errors": errors.collect::<Vec<_>>(),
            "applied": applied.iter().copied().map(applied_record).collect::<Vec<_>>()}),
        )
        .unwrap()
    }

    #[test]
    fn a_group_that_is_answered_or_written_in_part_is_found() {
        let found = |applied: &[usize], written: &[&str]| {
            let written = written.iter().map(|id| ("t".to_owned(), (*id).to_owned())).collect();
            halves(&batch(), &response(applied), &written, &BTreeSet::new()).len()
        };
        assert_eq!(found(&[0, 1, 2, 3], &["a", "b", "c"]), 0);
        assert_eq!(found(&[0, 1], &["a", "b"]), 0);
        assert_eq!(found(&[], &[]), 0);
        assert_eq!(found(&[0, 2, 3], &["b", "c"]), 1, "answered in part");
        assert_eq!(found(&[2, 3], &["a", "b", "c"]), 1, "written although it is undone");
        assert_eq!(found(&[2, 3], &["b", "c"]), 0, "the other group writes it too");
    }
}
