//! I1, I2: every answer is the one that the commit's outcome asks for, however often it was given.

use protocol::wire::push::{PushRecord, PushRequest, PushResponse};

use super::replayed::Replay;
use crate::sim::journal::{Answered, Call, Journal};
use crate::sim::model::{Prediction, Told};

/// Checks the answers to all pushes of a run.
pub fn check(replay: &Replay, journal: &Journal) {
    let calls = journal.calls();
    for answered in journal.answers().iter().filter(|answered| answered.status == 200) {
        let Some(call) = calls.get(&answered.call) else { continue };
        let parsed = serde_json::from_str::<PushResponse>(&answered.body);
        let (Ok(answer), Ok(body)) = (parsed, serde_json::from_str::<PushRequest>(&call.body)) else {
            journal.find("answer", format!("call {} was answered {}", answered.call, answered.body));
            continue;
        };
        let own = replay.predictions.get(&answered.call);
        if own.is_none() && body.atomic && !answer.success {
            // It was undone and has left no trace; sent again, it may well be applied.
            if !answer.applied.is_empty() {
                journal
                    .find("answer", format!("call {} was undone, and says what it applied", answered.call));
            }
            continue;
        }
        match own.or_else(|| again(replay, call, &body)) {
            // Either answer may have arrived: that of its marker, or that of its second commit.
            Some(_) if replay.has_forgotten(&call.room, &body) => {}
            Some(expected) if was_unheard(&body, &answer, expected) => {}
            Some(expected) => {
                // A batch whose commit was not heard of is answered from its marker, by the same call or by another.
                let again =
                    own.is_none() || (body.batch_id.is_some() && journal.has_read_again(answered.call));
                let oldest = |record: &PushRecord| {
                    let key = (record.table_name.clone(), record.record_id.clone());
                    again.then(|| replay.oldest(&call.room, expected, key))
                };
                compare(journal, (answered, &body), &answer, expected, oldest);
            }
            // A batch without a name that changed nothing leaves no trace to be compared with.
            None if body.batch_id.is_some() => {
                journal.find(
                    "answer",
                    format!("call {} was answered, and nothing was committed", answered.call),
                );
            }
            None => {}
        }
    }
}

/// Whether a batch without a name was committed without being heard of, and decided anew within the same call: it then
/// meets its own writes, which it does not know. That is what names are for.
fn was_unheard(body: &PushRequest, answer: &PushResponse, committed: &Prediction) -> bool {
    let nothing_new = answer.prev == answer.stamp && committed.prev < committed.stamp;
    body.batch_id.is_none() && nothing_new && answer.prev.0 >= committed.stamp
}

/// What the batch was answered when it was committed, by another call.
fn again<'a>(replay: &'a Replay, call: &Call, body: &PushRequest) -> Option<&'a Prediction> {
    let name = (body.device_id.clone(), body.batch_id.clone()?);
    replay.model.rooms.get(&call.room)?.answered.get(&name)
}

fn compare(
    journal: &Journal,
    (answered, body): (&Answered, &PushRequest),
    answer: &PushResponse,
    expected: &Prediction,
    oldest: impl Fn(&PushRecord) -> Option<u64>,
) {
    let mut told: Vec<Option<Told>> = vec![None; expected.told.len()];
    let mut put = |index: usize, value: Told| {
        if let Some(place) = told.get_mut(index) {
            *place = Some(value);
        }
    };
    for applied in &answer.applied {
        let mut flags: Vec<&'static str> = applied.flags.iter().map(|flag| known(flag)).collect();
        flags.sort_unstable();
        put(applied.index, Told::Applied { version: applied.version, stamp: applied.stamp.0, flags });
    }
    for conflict in &answer.conflicts {
        put(
            conflict.index,
            Told::Conflict { reason: known(&conflict.reason), version: conflict.server_version },
        );
    }
    for error in &answer.errors {
        put(error.index, Told::Rejected(known(&error.code)));
    }
    for (index, (found, expected)) in told.iter().zip(&expected.told).enumerate() {
        let oldest = body.records.get(index).and_then(&oldest);
        let equal = found.as_ref().is_some_and(|found| is_same(found, expected, oldest));
        if !equal {
            let number = answered.call;
            let sent = serde_json::to_string(&body.records.get(index)).unwrap_or_default();
            let what = format!(
                "call {number}, record {index}: answered {found:?}, expected {expected:?}; sent {sent}"
            );
            journal.find("answer", what);
        }
    }
    if (answer.prev.0, answer.stamp.0) != (expected.prev, expected.stamp) {
        let (number, prev, stamp) = (answered.call, answer.prev.0, answer.stamp.0);
        journal.find(
            "answer",
            format!("call {number} spans {prev} to {stamp}, not {} to {}", expected.prev, expected.stamp),
        );
    }
}

/// Whether an answer says what it should; one that is given again shows the server's copy as it is by then, of the
/// version `oldest` at the least.
fn is_same(found: &Told, expected: &Told, oldest: Option<u64>) -> bool {
    match (found, expected, oldest) {
        (
            Told::Conflict { reason: found, version },
            Told::Conflict { reason: expected, .. },
            Some(oldest),
        ) => found == expected && *version >= oldest,
        _ => found == expected,
    }
}

/// A word of the protocol.
fn known(word: &str) -> &'static str {
    WORDS.iter().find(|known| **known == word).copied().unwrap_or("a word that nobody knows")
}

const WORDS: [&str; 26] = [
    "newer_on_server",
    "already_exists",
    "deleted_on_server",
    "server_wins",
    "manual",
    "fields_conflict",
    "clock_clamped",
    "clamped_to_floor",
    "below_floor",
    "malformed",
    "unknown_table",
    "bad_record_id",
    "bad_time",
    "clock_ahead",
    "record_too_large",
    "too_deep",
    "forbidden",
    "too_old",
    "append_only",
    "bad_transition",
    "delta_needs_batch",
    "bad_delta",
    "delta_required",
    "batch_too_large",
    "reset_required",
    "busy",
];

#[cfg(test)]
mod tests;
