//! The mutation of a release that passes over rows of tables which it does not know, instead of waiting for a
//! release that does.

use protocol::stamp::Stamp;
use serde_json::Value;

use super::mutation::Mutation;
use super::release::Release;
use super::server::Reply;

/// Whether the function of `release` passes over what made it give this `reply`.
pub(crate) fn passes_over(mutation: Mutation, release: Release, reply: &Reply) -> bool {
    mutation == Mutation::SkippedTables
        && release == Release::Before
        && reply.status == 503
        && reply.body.contains("does not know all tables")
}

/// Says in each HEAD of a `response` that its stamps of tables are of this very HEAD.
pub(crate) fn believe_stamps(response: &mut Value) {
    match response {
        Value::Object(members) => {
            let stamp = members.get("stamp").cloned();
            let as_of = members.get_mut("table_stamps").and_then(|stamps| stamps.pointer_mut("/M/as_of"));
            if let (Some(stamp), Some(as_of)) = (stamp, as_of) {
                *as_of = stamp;
            }
            members.values_mut().for_each(believe_stamps);
        }
        Value::Array(elements) => elements.iter_mut().for_each(believe_stamps),
        _ => {}
    }
}

/// The `query` of a pull from `position`, without the digest of the tables that its reader could read.
pub(crate) fn without_digest(query: &str, position: Option<Stamp>) -> String {
    let is_position = |pair: &&str| pair.starts_with("cursor=") || pair.starts_with("since=");
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_position(pair)).collect();
    format!("since={}&{}", position.unwrap_or_default().0, rest.join("&"))
}

/// The `reply` of a release that knows every table, as `release` would give it to a pull with `query`.
pub(crate) fn without_unknown(release: Release, query: &str, reply: Reply) -> Reply {
    let Ok(mut page) = serde_json::from_str::<Value>(&reply.body) else { return reply };
    if let Some(changes) = page.get_mut("changes").and_then(Value::as_array_mut) {
        let is_unknown = |change: &Value| {
            let table = change.get("table_name").and_then(Value::as_str);
            table.is_some_and(|table| release.unknown_tables().contains(&table))
        };
        changes.retain(|change| !is_unknown(change));
    }
    // The digest of the tables that the release knows, which the till has from it.
    let digest = query.split('&').find_map(|pair| pair.strip_prefix("cursor=p1.")?.split('.').nth(1));
    let stamp = page.get("stamp").and_then(Value::as_u64);
    if let (Some(digest), Some(stamp)) = (digest, stamp)
        && let Some(cursor) = page.get_mut("next_cursor")
    {
        *cursor = Value::from(format!("p1.{stamp}.{digest}"));
    }
    Reply { status: reply.status, body: page.to_string() }
}
