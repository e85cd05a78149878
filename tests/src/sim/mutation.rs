//! Mutations: variants of the product with one rule removed. The simulation must detect each of them. They
//! change requests and responses between the parts of a run, so no broken code ships.
//!
//! Sessions are checked at the edge, which is not part of a run. A verdict "revoked" that is kept for 5
//! seconds only fails `a_revoked_session_stays_refused_without_redis` in `edge/src/admission/tests.rs`.

use functions::carts::keys::COMPACTED;
use functions::sync::keys::{COUNTS, DEVICE_PREFIX};
use protocol::limits::BATCH_BYTES_MAX;
use protocol::timestamp::Timestamp;
use serde_json::Value;
use sync::limits::LOG_SETTLE_SECS;

use super::release_mutation;
use super::server::Reply;

/// A rule that is removed.
#[cfg_attr(not(test), allow(dead_code, reason = "only tests run the product with a mutation"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A commit does not check that HEAD is unchanged.
    NoHeadCondition,
    /// A commit does not check the records that it only read.
    NoConditionChecks,
    /// A batch leaves no marker.
    NoMarker,
    /// A batch's marker does not contain the device.
    MarkerWithoutDevice,
    /// Tills pull the changes since the server's time at their last pull.
    WallClock,
    /// Tombstones are deleted as early as the log.
    EarlyPurge,
    /// The tail of a snapshot begins at the end of its walk.
    LateTail,
    /// A frame carries the stamps of its whole publication.
    ChunkStamp,
    /// The frame of a commit passes over the changes that its reader may not read.
    PassedOver,
    /// Records and HEAD are put without conditions.
    LastPutWins,
    /// Tills retry a batch under another id.
    FreshBatchIds,
    /// Every push is answered 413.
    AlwaysTooLarge,
    /// Each push of a group gets the answer to another one.
    SwappedAnswers,
    /// Pulls count every commit as settled, so walks note a HEAD that their reads may not show yet.
    NoSettling,
    /// A record over its limit counts whole in its batch.
    WholeSizes,
    /// A till applies changes whose `prev` lies before its position.
    OverlappingChanges,
    /// Data in another spelling is other data.
    ComparedSpellings,
    /// A function passes over rows of a table that it does not know.
    SkippedTables,
    /// A cursor does not say which tables its reader could read.
    NoTablesDigest,
    /// A batch whose marker has expired is applied again.
    LateBatches,
    /// Head office does not take the cursor of a page without changes.
    KeptCursor,
    /// Redis is not told what has changed.
    NoInvalidation,
    /// The cache does not notice that its entries have expired.
    EternalEntries,
    /// Reads do not look at `min`.
    IgnoredMin,
    /// Head office gets the statistics of another branch.
    OthersStatistics,
    /// A resolved conflict is answered as if the client's data had been written.
    ClaimedResolutions,
    /// Records of a group are applied each by itself.
    IgnoredGroups,
    /// A commit does not note the number of its batch.
    UnnotedNumbers,
    /// The function does not look at what a till had seen.
    IgnoredBaseStamps,
    /// A function believes the stamps of tables that a HEAD before had.
    StaleStamps,
    /// The function does not look at `mode`.
    IgnoredModes,
    /// A commit does not count its dead letters and conflicts.
    UncountedCommits,
    /// The compaction of a cart removes changes without writing the cart.
    LostCartChange,
}

impl Mutation {
    /// The mutated body of a request to DynamoDB. `None` if the body stays as it is.
    pub(crate) fn mutate_request(self, action: &str, body: &str) -> Option<String> {
        let writes = action == "TransactWriteItems";
        if self == Mutation::MarkerWithoutDevice && (writes || action == "BatchGetItem") {
            return Some(without_device(body));
        }
        if !writes {
            return None;
        }
        let mut body: Value = serde_json::from_str(body).ok()?;
        let actions = body.get_mut("TransactItems")?.as_array_mut()?;
        match self {
            Mutation::NoHeadCondition => {
                actions.retain(|action| !is_check(action) || !sort_key(action).starts_with("HEAD"));
                remove_conditions(actions, |sk| sk == "HEAD");
            }
            Mutation::NoConditionChecks => {
                actions.retain(|action| !is_check(action) || !sort_key(action).starts_with("REC#"));
            }
            Mutation::NoMarker => actions.retain(|action| !sort_key(action).starts_with("BATCH#")),
            Mutation::LastPutWins => remove_conditions(actions, |sk| sk == "HEAD" || sk.starts_with("REC#")),
            Mutation::UncountedCommits => actions.retain(|action| sort_key(action) != COUNTS),
            Mutation::UnnotedNumbers => actions.retain(|action| !sort_key(action).starts_with(DEVICE_PREFIX)),
            Mutation::LostCartChange => actions.retain(|action| sort_key(action) != COMPACTED),
            _ => return None,
        }
        // DynamoDB refuses an empty transaction, so such a request stays as it is.
        if actions.is_empty() { None } else { Some(body.to_string()) }
    }

    /// The body of a push as it reaches the function.
    pub(crate) fn mutate_push(self, body: &str) -> Option<String> {
        // A member that the function does not know.
        match self {
            Mutation::IgnoredGroups => Some(body.replace("\"group\":", "\"ungrouped\":")),
            Mutation::IgnoredBaseStamps => Some(body.replace("\"base_stamp\":", "\"no_base_stamp\":")),
            _ => None,
        }
    }

    /// The query of a pull as it reaches the function.
    pub(crate) fn mutate_pull(self, query: &str) -> Option<String> {
        (self == Mutation::IgnoredModes).then(|| query.replace("mode=", "no_mode="))
    }

    /// The time at which a pull takes place.
    pub(crate) fn mutate_time(self, now: Timestamp) -> Timestamp {
        if self == Mutation::NoSettling { now.plus_secs(LOG_SETTLE_SECS) } else { now }
    }

    /// The reply that a till gets to the `push` instead of the function's. `None` if the function's arrives.
    pub(crate) fn mutate_reply(self, push: &str) -> Option<Reply> {
        let body = r#"{"error":{"code":"batch_too_large","message":"","request_id":""}}"#;
        let is_too_large = match self {
            Mutation::AlwaysTooLarge => true,
            Mutation::WholeSizes => push.len() > BATCH_BYTES_MAX,
            _ => false,
        };
        is_too_large.then(|| Reply { status: 413, body: body.to_owned() })
    }

    /// Whether tills ask for snapshots with this mutation. The seeds that show the others follow the log.
    pub(crate) fn asks_for_snapshots(self) -> bool {
        self == Mutation::IgnoredModes
    }

    /// The answers of a group, in the order in which its pushes get them.
    pub(crate) fn mutate_answers(self, answers: &mut [Option<Reply>]) {
        if self == Mutation::SwappedAnswers && !answers.is_empty() {
            answers.rotate_left(1);
        }
    }

    /// Whether pushes are committed in groups with this mutation. The seeds that show the others push each
    /// batch alone.
    pub(crate) fn pushes_groups(self) -> bool {
        self == Mutation::SwappedAnswers
    }

    /// Changes a response: restores the marker's key, so that the function finds the key it asked for, or
    /// makes the room seem younger than every batch.
    pub(crate) fn change_response(self, request: &str, response: &mut String) {
        if self == Mutation::LateBatches {
            make_room_young(response);
        }
        if self == Mutation::StaleStamps
            && response.contains("table_stamps")
            && let Ok(mut body) = serde_json::from_str(response)
        {
            release_mutation::believe_stamps(&mut body);
            *response = body.to_string();
        }
        if self != Mutation::MarkerWithoutDevice {
            return;
        }
        if let (Some(asked), Some(found)) = (marker(request), marker(response)) {
            *response = response.replace(found, asked);
        }
    }
}

/// The first marker's key in a body.
fn marker(body: &str) -> Option<&str> {
    let rest = body.get(body.find("BATCH#")?..)?;
    rest.get(..rest.find('"')?)
}

/// Sets the first stamp in HEAD to the largest one.
fn make_room_young(response: &mut String) {
    const FIRST: &str = "\"first_commit\":{\"N\":\"";
    let Some(start) = response.find(FIRST).map(|at| at + FIRST.len()) else { return };
    let Some(digits) = response.get(start..).and_then(|rest| rest.find('"')) else { return };
    response.replace_range(start..start + digits, &Timestamp::MAX.0.to_string());
}

fn is_check(action: &Value) -> bool {
    action.get("ConditionCheck").is_some()
}

fn sort_key(action: &Value) -> &str {
    let paths = ["/Put/Item/sk/S", "/ConditionCheck/Key/sk/S", "/Delete/Key/sk/S", "/Update/Key/sk/S"];
    paths.iter().find_map(|path| action.pointer(path)?.as_str()).unwrap_or_default()
}

fn remove_conditions(actions: &mut [Value], concerns: impl Fn(&str) -> bool) {
    // What only a condition refers to; DynamoDB refuses names and values that nothing refers to.
    const REFERENCES: [(&str, &str); 2] =
        [("ExpressionAttributeNames", "#known"), ("ExpressionAttributeValues", ":known")];
    for action in actions.iter_mut().filter(|action| concerns(sort_key(action))) {
        let name = if action.get("Put").is_some() { "Put" } else { "Update" };
        let Some(write) = action.get_mut(name).and_then(Value::as_object_mut) else { continue };
        write.remove("ConditionExpression");
        for (kind, reference) in REFERENCES {
            let references = write.get_mut(kind).and_then(Value::as_object_mut);
            let is_empty = references.is_some_and(|references| {
                references.remove(reference);
                references.is_empty()
            });
            if is_empty {
                write.remove(kind);
            }
        }
    }
}

/// Replaces `BATCH#device#batch` by `BATCH##batch` everywhere in the JSON.
fn without_device(body: &str) -> String {
    let mut parts = body.split("\"BATCH#");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once('#').map_or(part, |(_, batch)| batch);
        text.push_str("\"BATCH##");
        text.push_str(rest);
    }
    text
}
