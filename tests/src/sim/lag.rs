//! Lagging reads: an eventually consistent Query shows each item as it was up to some seconds ago.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use functions::sync::keys;
use local::dynamo::in_process::{Request, Response, Tables};
use serde_json::{Value, json};
use sync::limits::{LOG_SETTLE_SECS, WRITE_SECS_MAX};
use tokio::time::Instant;

use super::environment::TABLE;
use super::lock;
use super::network::LATE_MILLIS_MAX;
use super::rng::Rng;

/// Longest lag in milliseconds.
pub(crate) const LAG_MILLIS_MAX: u64 = 5_000;
/// Largest error of a function's clock in a run whose reads lag, in microseconds.
pub(crate) const SKEW_MICROS_MAX: u64 = 2_000_000;

// The rule that makes walks safe: a stamp is as old as its request, whose commit may arrive late; a read
// lags; and two clocks differ.
const _: () = assert!(
    1000 * WRITE_SECS_MAX + LATE_MILLIS_MAX + LAG_MILLIS_MAX + 2 * SKEW_MICROS_MAX / 1000
        < 1000 * LOG_SETTLE_SECS
);

/// The records before their latest changes.
#[derive(Debug, Default)]
pub(crate) struct Lag(Mutex<VecDeque<Change>>);

#[derive(Debug)]
struct Change {
    at: Instant,
    /// Partition and sort key.
    key: (String, String),
    /// The item before; `None` if it is new.
    before: Option<Value>,
}

/// Partition key, sort key and item before a write.
pub(crate) type Images = BTreeMap<(String, String), Option<Value>>;

/// The records that a transaction is about to write, as they are.
pub(crate) fn before(tables: &Tables, request: &Request) -> Images {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let actions = body.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
    actions.filter_map(written).map(|key| (key.clone(), stored(tables, &key))).collect()
}

/// The key of the record that an action writes.
fn written(action: &Value) -> Option<(String, String)> {
    let key = ["/Put/Item", "/Update/Key", "/Delete/Key"].iter().find_map(|path| action.pointer(path))?;
    let key = key_of(key)?;
    key.1.starts_with(keys::RECORD_PREFIX).then_some(key)
}

fn key_of(item: &Value) -> Option<(String, String)> {
    let text = |path| item.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Some((text("/pk/S")?, text("/sk/S")?))
}

fn stored(tables: &Tables, (pk, sk): &(String, String)) -> Option<Value> {
    let key = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    let request = json!({ "TableName": TABLE, "ConsistentRead": true, "Key": key });
    let mut response: Value =
        serde_json::from_str(&tables.execute("GetItem", &request.to_string()).body).ok()?;
    response.get_mut("Item").map(Value::take)
}

impl Lag {
    /// Notes what a committed transaction has changed.
    pub(crate) fn changed(&self, images: Images) {
        let (at, mut changes) = (Instant::now(), lock(&self.0));
        let oldest = at.checked_sub(Duration::from_millis(LAG_MILLIS_MAX));
        while changes.front().is_some_and(|change| Some(change.at) < oldest) {
            changes.pop_front();
        }
        changes.extend(images.into_iter().map(|(key, before)| Change { at, key, before }));
    }

    /// Forgets the changes: the tables are new.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// Shows each item of a Query's response as it was up to `lag_millis` ago. Returns how many differ.
    pub(crate) fn apply(&self, response: &mut Response, lag_millis: u64, rng: &mut Rng) -> usize {
        let Ok(mut body) = serde_json::from_str::<Value>(&response.body) else { return 0 };
        let Some(items) = body.get_mut("Items").and_then(Value::as_array_mut) else { return 0 };
        let (now, changes) = (Instant::now(), lock(&self.0));
        let mut stale = 0;
        // Items lag each by itself, because a transaction reaches them one by one.
        items.retain_mut(|item| {
            let since = now.checked_sub(Duration::from_millis(rng.below(lag_millis + 1)));
            let key = key_of(item);
            let is_later = |change: &&Change| Some(change.at) > since && Some(&change.key) == key.as_ref();
            let Some(change) = changes.iter().find(is_later) else { return true };
            stale += 1;
            match &change.before {
                Some(before) => *item = before.clone(),
                None => return false,
            }
            true
        });
        response.body = body.to_string();
        stale
    }
}

/// Whether a request may read from a replica that is behind.
pub(crate) fn may_lag(request: &Request) -> bool {
    request.action == "Query" && !request.body.contains("\"ConsistentRead\":true")
}
