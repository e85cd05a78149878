//! Broken variants of the product, made at its seams so that no broken code ships: each takes away one rule, and the
//! simulation must notice.

use serde_json::{Map, Value};

/// A rule that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A commit does not ask whether HEAD still stands where it was read.
    NoHeadCondition,
    /// Records that were read and not written are not checked.
    NoConditionChecks,
    /// A batch leaves no marker.
    NoMarker,
    /// A batch's marker is found by the batch id alone, whichever device it came from.
    MarkerWithoutDevice,
    /// Tills pull what is newer than the server's time at their last pull.
    WallClock,
    /// Tombstones are purged when the log is.
    EarlyPurge,
    /// The tail of a snapshot begins where the walk ended.
    LateTail,
    /// Tills stand at the end of a publication as soon as they hear one record of it.
    ChunkStamp,
    /// Records are put without a condition on their version, and HEAD without one on its stamp.
    LastPutWins,
    /// Tills send a batch again under another id.
    FreshBatchIds,
}

impl Sabotage {
    /// Every one.
    pub const ALL: [Sabotage; 10] = [
        Sabotage::NoHeadCondition,
        Sabotage::NoConditionChecks,
        Sabotage::NoMarker,
        Sabotage::MarkerWithoutDevice,
        Sabotage::WallClock,
        Sabotage::EarlyPurge,
        Sabotage::LateTail,
        Sabotage::ChunkStamp,
        Sabotage::LastPutWins,
        Sabotage::FreshBatchIds,
    ];

    /// The body of a request to DynamoDB without the rule; none if it stays as it is.
    pub fn tamper(self, action: &str, body: &str) -> Option<String> {
        let concerned = match self {
            Sabotage::NoHeadCondition
            | Sabotage::NoConditionChecks
            | Sabotage::NoMarker
            | Sabotage::LastPutWins => action == "TransactWriteItems",
            Sabotage::MarkerWithoutDevice => action == "TransactWriteItems" || action == "BatchGetItem",
            _ => false,
        };
        if !concerned {
            return None;
        }
        if self == Sabotage::MarkerWithoutDevice {
            return Some(without_device(body));
        }
        let mut body: Value = serde_json::from_str(body).ok()?;
        let actions = body.get_mut("TransactItems")?.as_array_mut()?;
        match self {
            Sabotage::NoHeadCondition => {
                // Where HEAD is only checked, nothing is left of the check.
                actions.retain(|action| !is_check(action) || !key_of(action).starts_with("HEAD"));
                each_put(actions, |sk| sk == "HEAD", forget_condition);
            }
            Sabotage::NoConditionChecks => {
                actions.retain(|action| !is_check(action) || !key_of(action).starts_with("REC#"));
            }
            Sabotage::NoMarker => actions.retain(|action| !key_of(action).starts_with("BATCH#")),
            Sabotage::LastPutWins => {
                each_put(actions, |sk| sk == "HEAD" || sk.starts_with("REC#"), forget_condition);
            }
            _ => {}
        }
        // A transaction of nothing is refused; this one reads an item that is never there.
        if actions.is_empty() { None } else { Some(body.to_string()) }
    }

    /// The answer to a read, as the function that sent `request` expects it.
    pub fn mend(self, request: &str, answer: &mut String) {
        if let (Sabotage::MarkerWithoutDevice, Some(asked), Some(found)) =
            (self, marker(request), marker(answer))
        {
            *answer = answer.replace(found, asked);
        }
    }
}

/// The first marker's key in a body.
fn marker(body: &str) -> Option<&str> {
    let start = body.find("BATCH#")?;
    let rest = body.get(start..)?;
    rest.get(..rest.find('"')?)
}

fn is_check(action: &Value) -> bool {
    action.get("ConditionCheck").is_some()
}

/// The sort key that an action is about.
fn key_of(action: &Value) -> &str {
    let places = ["/Put/Item/sk/S", "/ConditionCheck/Key/sk/S", "/Delete/Key/sk/S", "/Update/Key/sk/S"];
    places.iter().find_map(|place| action.pointer(place)?.as_str()).unwrap_or_default()
}

fn each_put(actions: &mut [Value], wanted: impl Fn(&str) -> bool, change: impl Fn(&mut Map<String, Value>)) {
    for action in actions.iter_mut().filter(|action| wanted(key_of(action))) {
        if let Some(put) = action.get_mut("Put").and_then(Value::as_object_mut) {
            change(put);
        }
    }
}

fn forget_condition(put: &mut Map<String, Value>) {
    for name in ["ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"] {
        put.remove(name);
    }
}

/// `BATCH#device#batch` as `BATCH##batch`, wherever it stands in the JSON.
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
