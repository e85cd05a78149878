//! I1, I2: every response to a push is the one that the model predicts for its commit, however often it is
//! given.

use model::{ExpectedResult, Prediction};
use protocol::wire::push::{PushRecord, PushRequest, PushResponse};

use super::model_run::ModelRun;
use crate::sim::event_log::{EventLog, PushCall};

pub(crate) fn check(run: &ModelRun, log: &EventLog) {
    let calls = log.entries().calls.clone();
    let replies = log.entries().replies.clone();
    for reply in replies.iter().filter(|reply| reply.status == 200) {
        let (number, Some(call)) = (reply.call, calls.get(&reply.call)) else { continue };
        let wrong = |what: String| log.violation("response", format!("call {number} {what}"));
        let response = serde_json::from_str::<PushResponse>(&reply.body);
        let (Ok(response), Ok(body)) = (response, serde_json::from_str::<PushRequest>(&call.body)) else {
            wrong(format!("is answered {}", reply.body));
            continue;
        };
        let own = run.predictions.get(&number);
        if own.is_none() && body.atomic && !response.success {
            // A batch that was rolled back leaves no trace, and may be applied when it is sent again.
            if !response.applied.is_empty() {
                wrong("was rolled back, but its response names applied records".to_owned());
            }
            continue;
        }
        match own.or_else(|| earlier_commit(run, number, call, &body)) {
            // The response may come from the marker or from the second commit.
            Some(_) if run.has_lost_marker(&call.room, &body) => {}
            Some(expected) if repeats_unnamed_commit(&body, &response, expected) => {}
            Some(expected) => {
                // If the response to its commit was lost, a batch is answered from its marker.
                let from_marker = own.is_none() || (body.batch_id.is_some() && log.has_read_again(number));
                let version_min = |record: &PushRecord| {
                    let key = (record.table_name.clone(), record.record_id.clone());
                    from_marker.then(|| run.version_min(&call.room, expected, key))
                };
                differences(&body, &response, expected, version_min).into_iter().for_each(wrong);
            }
            None if body.batch_id.is_some() => wrong("is answered, but nothing was committed".to_owned()),
            // A batch without an id that changed nothing leaves no trace to compare with.
            None => {}
        }
    }
}

/// Whether a batch without an id was committed, did not see its commit and decided again within the same
/// call. It then conflicts with its own writes, which only a batch id prevents.
fn repeats_unnamed_commit(body: &PushRequest, response: &PushResponse, committed: &Prediction) -> bool {
    let changed_nothing = response.prev == response.stamp && committed.prev < committed.stamp;
    body.batch_id.is_none() && changed_nothing && response.prev.0 >= committed.stamp
}

/// The expected response of the call that committed the same batch as call `number`.
fn earlier_commit<'a>(
    run: &'a ModelRun,
    number: u64,
    call: &PushCall,
    body: &PushRequest,
) -> Option<&'a Prediction> {
    let name = (body.device_id.clone(), body.batch_id.clone()?);
    run.model_of(number).rooms.get(&call.room)?.responses.get(&name)
}

fn differences(
    body: &PushRequest,
    response: &PushResponse,
    expected: &Prediction,
    version_min: impl Fn(&PushRecord) -> Option<u64>,
) -> Vec<String> {
    let mut found: Vec<Option<ExpectedResult>> = vec![None; expected.results.len()];
    let mut set = |index: usize, result: ExpectedResult| {
        if let Some(place) = found.get_mut(index) {
            *place = Some(result);
        }
    };
    for applied in &response.applied {
        let mut flags: Vec<String> = applied.flags.iter().map(ToString::to_string).collect();
        flags.sort_unstable();
        let (version, stamp) = (applied.version, applied.stamp.0);
        set(applied.index, ExpectedResult::Applied { version, stamp, flags });
    }
    for conflict in &response.conflicts {
        let (reason, version) = (conflict.reason.to_string(), conflict.server_version);
        set(conflict.index, ExpectedResult::Conflict { reason, version });
    }
    for error in &response.errors {
        set(error.index, ExpectedResult::Rejected(error.code.to_string()));
    }
    let mut differences = Vec::new();
    for (index, (found, expected)) in found.iter().zip(&expected.results).enumerate() {
        let version_min = body.records.get(index).and_then(&version_min);
        if !found.as_ref().is_some_and(|found| is_equal(found, expected, version_min)) {
            let sent = serde_json::to_string(&body.records.get(index)).unwrap_or_default();
            differences
                .push(format!("answers {found:?} for record {index}, expected {expected:?}; sent {sent}"));
        }
    }
    let (prev, stamp) = (response.prev.0, response.stamp.0);
    if (prev, stamp) != (expected.prev, expected.stamp) {
        differences.push(format!("spans {prev} to {stamp}, not {} to {}", expected.prev, expected.stamp));
    }
    differences
}

/// Whether a result is the expected one. A repeated response shows the server's copy as it is by then, which
/// has at least the version `version_min`.
fn is_equal(found: &ExpectedResult, expected: &ExpectedResult, version_min: Option<u64>) -> bool {
    use ExpectedResult::Conflict;
    match (found, expected, version_min) {
        (Conflict { reason, version }, Conflict { reason: expected, .. }, Some(min)) => {
            reason == expected && *version >= min
        }
        _ => found == expected,
    }
}

#[cfg(test)]
mod tests;
