//! A cart is its latest change. No change is lost, and a read is as young as its `min`, or as its time in the
//! cache.

use std::sync::Arc;
use std::time::Duration;

use protocol::endpoints::Endpoint;
use protocol::ids::Room;
use protocol::wire::carts::{CartResponse, PutCartRequest, PutCartResponse};
use tokio::time::Instant;

use super::reads::code;
use crate::sim::api::{ApiCall, ApiReply};
use crate::sim::carts::CartWrite;
use crate::sim::event_log::EventLog;
use crate::sim::rng::Rng;
use crate::sim::server::ApiRequest;
use crate::sim::world::World;

/// Longest life of a cached cart, and the time that it may take to load one.
const LIFE: Duration = Duration::from_secs(60 * 60 + 60);

pub(crate) fn check(log: &EventLog) {
    let (replies, writes) = {
        let entries = log.entries();
        (entries.api_replies.clone(), entries.cart_writes.clone())
    };
    for reply in &replies {
        let Some(id) = reply.request.parameter("id") else { continue };
        let of_cart = |write: &&CartWrite| write.room == reply.room && write.id.as_str() == id;
        let writes: Vec<&CartWrite> = writes.iter().filter(of_cart).collect();
        let what = match (reply.request.endpoint, reply.status, code(reply).as_str()) {
            (_, 503, _) | (_, 401, "token_expired") => None,
            (Endpoint::PutCart, 200, _) => put(reply, &writes),
            (Endpoint::GetCart, 200, _) => got(reply, &writes),
            (Endpoint::GetCart, 404, "cart_not_found") => missing(reply, &writes),
            (Endpoint::DeleteCart, 204, _) => removed(reply, &writes),
            (_, status, _) => Some(format!("it is answered {status}: {}", reply.body)),
        };
        if let Some(what) = what {
            let (call, room, query) = (reply.call, &reply.room, &reply.request.query);
            log.violation("carts", format!("call {call} in {room}, {query} {}: {what}", reply.request.body));
        }
    }
}

/// The change is stored, with the stamp of the response, after the one that was seen.
fn put(reply: &ApiReply, writes: &[&CartWrite]) -> Option<String> {
    let response = serde_json::from_str::<PutCartResponse>(&reply.body);
    let (Ok(response), Ok(sent)) = (response, serde_json::from_str::<PutCartRequest>(&reply.request.body))
    else {
        return Some(format!("its response is malformed: {}", reply.body));
    };
    let is_it = |write: &&CartWrite| {
        let (stamp, data) = (response.stamp.0, sent.data.as_str());
        write.call == reply.call && write.stamp == stamp && write.data.as_deref() == Some(data)
    };
    if !writes.iter().any(is_it) {
        return Some(format!("it is answered {}, and not stored", response.stamp.0));
    }
    let seen = sent.after_stamp.map_or(0, |stamp| stamp.0);
    (response.stamp.0 <= seen).then(|| format!("its stamp {} is not after {seen}", response.stamp.0))
}

/// The latest stamp that a read must not be older than.
fn latest_known(reply: &ApiReply, writes: &[&CartWrite]) -> u64 {
    let is_loaded = reply.source.as_deref() == Some("loaded");
    let before = if is_loaded { Some(reply.began.at) } else { reply.began.at.checked_sub(LIFE) };
    let stored = before.map_or(0, |before| latest(writes, before).map_or(0, |write| write.stamp));
    stored.max(reply.request.min())
}

/// The latest of the changes that were stored until `at`.
fn latest<'a>(writes: &[&'a CartWrite], at: Instant) -> Option<&'a CartWrite> {
    writes.iter().filter(|write| write.at <= at).max_by_key(|write| write.stamp).copied()
}

fn got(reply: &ApiReply, writes: &[&CartWrite]) -> Option<String> {
    let Ok(response) = serde_json::from_str::<CartResponse>(&reply.body) else {
        return Some(format!("its response is malformed: {}", reply.body));
    };
    let (stamp, data, known) = (response.stamp.0, response.data.as_str(), latest_known(reply, writes));
    let is_it = |write: &&&CartWrite| write.stamp == stamp && write.data.as_deref() == Some(data);
    if !writes.iter().any(|write| is_it(&write) && write.at <= reply.ended.at) {
        return Some(format!("it is {data} at {stamp}, which was never stored"));
    }
    (stamp < known).then(|| format!("it is as of {stamp}, although {known} was stored, or asked for"))
}

fn missing(reply: &ApiReply, writes: &[&CartWrite]) -> Option<String> {
    let known = latest_known(reply, writes);
    let is_removal = |write: &&&CartWrite| write.data.is_none() && write.stamp >= known;
    let was_removed = writes.iter().any(|write| is_removal(&write) && write.at <= reply.ended.at);
    (known > 0 && !was_removed).then(|| format!("it is missing, although there was one at {known}"))
}

/// The removal is stored, or there was no cart at some moment of the call.
fn removed(reply: &ApiReply, writes: &[&CartWrite]) -> Option<String> {
    let during =
        writes.iter().map(|write| write.at).filter(|at| *at > reply.began.at && *at <= reply.ended.at);
    let was_none = |at: Instant| latest(writes, at).is_none_or(|write| write.data.is_none());
    let is_stored = writes.iter().any(|write| write.call == reply.call && write.data.is_none());
    let is_right = is_stored || std::iter::once(reply.began.at).chain(during).any(was_none);
    (!is_right).then(|| "it is removed without a trace".to_owned())
}

/// Reads every cart once more, past the cache: it must be its latest change.
pub(crate) async fn check_latest(world: &Arc<World>) {
    world.redis.clear();
    let writes = world.log.entries().cart_writes.clone();
    let carts: std::collections::BTreeSet<(Room, String)> =
        writes.iter().map(|write| (write.room.clone(), write.id.to_string())).collect();
    let mut rng = Rng::new(1);
    for (room, id) in carts {
        let Some(device) = world.devices.iter().find(|device| device.actor.caller.room == room) else {
            continue;
        };
        let request = ApiCall::new(Endpoint::GetCart, format!("id={id}&branch_id={}", room.branch));
        let reply = world.server.call(&device.caller(), ApiRequest::Api(request), &mut rng).await;
        let of_cart = writes.iter().filter(|write| write.room == room && write.id.as_str() == id);
        let Some((reply, expected)) = reply.zip(of_cart.max_by_key(|write| write.stamp)) else { continue };
        let found = serde_json::from_str::<CartResponse>(&reply.body);
        let found = found.ok().map(|cart| (cart.stamp.0, cart.data.as_str().to_owned()));
        let wanted = expected.data.clone().map(|data| (expected.stamp, data));
        if found != wanted {
            let what = format!("{id} in {room} is {}, not {expected:?}", reply.body);
            world.log.violation("carts", what);
        }
    }
}
