//! A read of a record, or of statistics, shows a state that was true, and one that is young enough.
//! PROTOCOL.md promises `min`; ARCHITECTURE.md that no entry survives its invalidation, and how long an entry
//! lives whose invalidation was lost.

use std::time::Duration;

use model::Key;
use protocol::endpoints::Endpoint;
use protocol::wire::record::{BatchGetRequest, BatchGetResponse, RecordResponse};
use serde_json::Value;

use super::pages::may_read;
use super::timeline::{Seen, Timeline};
use crate::sim::api::ApiReply;
use crate::sim::event_log::EventLog;

/// Longest life of a cached product, and of any other record.
const PRODUCT_LIFE: Duration = Duration::from_secs(35 * 60);
const RECORD_LIFE: Duration = Duration::from_secs(6 * 60);
/// How old an answer from the memory of a function may be.
const MEMORY: Duration = Duration::from_secs(3);
/// How long before a reader another one may have begun whose result it shares.
const SHARED: Duration = Duration::from_secs(30);

pub(crate) fn check(timeline: &Timeline, log: &EventLog) {
    let replies = log.entries().api_replies.clone();
    for reply in &replies {
        let difference = match reply.request.endpoint {
            Endpoint::GetRecord => single(timeline, reply),
            Endpoint::BatchGetRecords => several(timeline, reply),
            _ => None,
        };
        if let Some(what) = difference.filter(|_| !timeline.is_restored_between(reply.began, reply.ended)) {
            let (call, room, query, body) =
                (reply.call, &reply.room, &reply.request.query, &reply.request.body);
            let source = reply.source.as_deref().unwrap_or("unknown");
            log.violation("reads", format!("call {call} in {room}, {query} {body}, from {source}: {what}"));
        }
    }
}

/// The code of an error.
pub(crate) fn code(reply: &ApiReply) -> String {
    let body: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What is wrong with a refusal that any request may get. The outer `None`: it is none of them.
pub(crate) fn refusal(timeline: &Timeline, reply: &ApiReply) -> Option<Option<String>> {
    let (code, min) = (code(reply), reply.request.min());
    match (reply.status, code.as_str()) {
        (503, _) | (401, "token_expired") => Some(None),
        (400, "bad_min") => {
            let is_good = reply.request.parameter("min").is_some_and(|min| min.parse::<u64>().is_ok());
            Some(is_good.then(|| "its `min` is refused".to_owned()))
        }
        (410, "reset_required") => {
            let heads = timeline.heads(&reply.room, reply.began.events, reply.ended.events);
            let is_beyond = heads.iter().any(|head| *head < min);
            Some((!is_beyond).then(|| format!("{min} is refused as beyond {heads:?}")))
        }
        _ => None,
    }
}

/// The number of events from which on a response may show the state. `None` if `min` was never reached.
pub(crate) fn earliest(timeline: &Timeline, reply: &ApiReply, life: Duration, told: usize) -> Option<usize> {
    let at_most = |age| timeline.events_before(reply.began, age);
    let of_source = match reply.source.as_deref() {
        Some("loaded") => reply.began.events,
        Some("memory") => at_most(MEMORY),
        Some("shared") => at_most(SHARED),
        _ => at_most(life).max(told),
    };
    let reached = timeline.reached(&reply.room, reply.request.min(), reply.began)?;
    Some(of_source.max(reached).max(timeline.restored(reply.began)))
}

fn single(timeline: &Timeline, reply: &ApiReply) -> Option<String> {
    let parameter = |name: &str| reply.request.parameter(name).unwrap_or_default().to_owned();
    let key = (parameter("table"), parameter("record_id"));
    if let Some(refusal) = refusal(timeline, reply).or_else(|| of_table(reply, &[&key])) {
        return refusal;
    }
    match (reply.status, code(reply).as_str()) {
        (404, "record_not_found") => difference(timeline, reply, &key, None),
        (200, _) => match serde_json::from_str::<RecordResponse>(&reply.body) {
            Ok(record) => difference(timeline, reply, &key, Some(&record)),
            Err(error) => Some(format!("the response is malformed: {error}")),
        },
        (status, _) => Some(format!("it is answered {status}: {}", reply.body)),
    }
}

fn several(timeline: &Timeline, reply: &ApiReply) -> Option<String> {
    let request: BatchGetRequest = serde_json::from_str(&reply.request.body).ok()?;
    let keys: Vec<Key> = request.records.into_iter().map(|name| (name.table_name, name.record_id)).collect();
    if let Some(refusal) =
        refusal(timeline, reply).or_else(|| of_table(reply, &keys.iter().collect::<Vec<_>>()))
    {
        return refusal;
    }
    let Ok(response) = serde_json::from_str::<BatchGetResponse>(&reply.body) else {
        return Some(format!("it is answered {}: {}", reply.status, reply.body));
    };
    if response.records.len() + response.missing.len() != keys.len() {
        return Some(format!("it has not one result for each record: {}", reply.body));
    }
    // The header is about one of the records.
    let reply =
        &ApiReply { source: reply.source.clone().filter(|source| source == "fresh"), ..reply.clone() };
    keys.iter().find_map(|key| {
        let is_it = |record: &&RecordResponse| (&record.table_name, &record.record_id) == (&key.0, &key.1);
        difference(timeline, reply, key, response.records.iter().find(is_it))
    })
}

/// What is wrong with the refusal of a table. The outer `None`: none is refused, and none has to be.
fn of_table(reply: &ApiReply, keys: &[&Key]) -> Option<Option<String>> {
    let is_closed = |key: &Key| {
        let table = key.0.as_str();
        reply.release.unknown_tables().contains(&table) || !may_read(reply.release, reply.role, table)
    };
    // Of several tables the first decides which of the two it is.
    let is_refused = matches!(code(reply).as_str(), "unknown_table" | "table_forbidden");
    match (keys.iter().any(|key| is_closed(key)), is_refused) {
        (false, false) => None,
        (true, true) => Some(None),
        (true, false) => Some(Some(format!("it is answered {}, although a table is closed", reply.status))),
        (false, true) => Some(Some(format!("it is refused: {}", reply.body))),
    }
}

fn difference(
    timeline: &Timeline,
    reply: &ApiReply,
    key: &Key,
    found: Option<&RecordResponse>,
) -> Option<String> {
    let life = if key.0 == "products" { PRODUCT_LIFE } else { RECORD_LIFE };
    // Where the source is not known, it may be a memory or another reader's.
    let before =
        if reply.source.is_some() { Some(reply.began.at) } else { reply.began.at.checked_sub(SHARED) };
    let told = before.map_or(0, |before| timeline.invalidated(&reply.room, key, before));
    let Some(from) = earliest(timeline, reply, life, told) else {
        return Some(format!("the room never reached {}", reply.request.min()));
    };
    let states = timeline.records(&reply.room, key, from, reply.ended.events);
    let found = found.map(|record| Seen {
        data: record.data.as_str().to_owned(),
        version: record.version,
        stamp: record.stamp.0,
        deleted: false,
    });
    let is_it = |state: &Option<Seen>| state.clone().filter(|state| !state.deleted) == found;
    (!states.iter().any(is_it)).then(|| format!("{key:?} is {found:?}, which none is of {states:?}"))
}
