//! The mutations of the rule by which a till follows its room: they change what reaches it.

use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use protocol::wire::socket::{SyncBatchFrame, SyncFrame};

use super::broadcast::Frame;
use super::mutation::Mutation;
use super::world::World;
use crate::till::state::State;

/// The frame that reaches a till in `state`.
pub(crate) fn frame(world: &World, state: &State, frame: &Frame) -> Frame {
    let prev = |before, stamp| prev(world, state, before, stamp);
    match frame.clone() {
        Frame::Change(frame) => Frame::Change(SyncFrame { prev: prev(frame.prev, frame.stamp), ..frame }),
        Frame::Commit(frame) => {
            Frame::Commit(SyncBatchFrame { prev: prev(frame.prev, frame.stamp), ..frame })
        }
    }
}

/// The response to a push that reaches a till in `state`.
pub(crate) fn push_response(world: &World, state: &State, response: &PushResponse) -> PushResponse {
    PushResponse { prev: prev(world, state, response.prev, response.stamp), ..response.clone() }
}

/// The query of a pull as it leaves a till that asks with `query`.
pub(crate) fn pull_query(world: &World, query: String) -> String {
    if world.mutation != Some(Mutation::NoTablesDigest) {
        return query;
    }
    let stamps = query.split('&').filter_map(|pair| match pair.strip_prefix("cursor=p1.") {
        Some(cursor) => cursor.split('.').next()?.parse().ok(),
        None => pair.strip_prefix("since=")?.parse().ok(),
    });
    match stamps.max() {
        Some::<u64>(stamp) if query.contains("cursor=p1.") => format!("since={stamp}"),
        _ => query,
    }
}

fn prev(world: &World, state: &State, prev: Stamp, stamp: Stamp) -> Stamp {
    let overlaps = prev < state.position && state.position < stamp;
    let applies = world.mutation == Some(Mutation::OverlappingChanges) && overlaps;
    if applies { state.position } else { prev }
}
