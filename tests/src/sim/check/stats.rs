//! The statistics of a room count its records as they were at one of its commits, at most ten seconds ago,
//! and its dead letters and conflicts as they were within that time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::table_rule;
use protocol::endpoints::Endpoint;
use protocol::role::Role;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::stats::StatsResponse;
use sync::counts::RoomCounts;

use super::model_run::{Counts, ModelRun};
use super::pages::may_read;
use super::reads::{earliest, refusal};
use super::timeline::Timeline;
use crate::sim::api::ApiReply;
use crate::sim::event_log::{Event, EventLog};
use crate::sim::release::Release;
use crate::sim::shape::SHAPES;

/// How old statistics may be.
const LIFE: Duration = Duration::from_secs(10);

pub(crate) fn check(run: &ModelRun, timeline: &Timeline, log: &EventLog) {
    let replies = log.entries().api_replies.clone();
    let is_damaged = log.entries().events.iter().any(|event| matches!(event, Event::Damaged { .. }));
    let of_stats = |reply: &&ApiReply| reply.request.endpoint == Endpoint::GetSyncStats;
    for reply in replies.iter().filter(of_stats) {
        let what = difference(run, timeline, reply, is_damaged);
        if let Some(what) = what.filter(|_| !timeline.is_restored_between(reply.began, reply.ended)) {
            let (call, room, source) = (reply.call, &reply.room, reply.source.as_deref().unwrap_or_default());
            log.violation("stats", format!("call {call} in {room}, from {source:?}: {what}"));
        }
    }
}

fn difference(run: &ModelRun, timeline: &Timeline, reply: &ApiReply, is_damaged: bool) -> Option<String> {
    if let Some(refusal) = refusal(timeline, reply) {
        return refusal;
    }
    let Ok(stats) = serde_json::from_str::<StatsResponse>(&reply.body) else {
        return Some(format!("it is answered {}: {}", reply.status, reply.body));
    };
    let stamp =
        stats.last_sync_at.as_ref().map_or(Some(0), |at| u64::try_from(DeviceTime::parse(at).ok()?.0).ok());
    let Some(from) = earliest(timeline, reply, LIFE, 0) else {
        return Some(format!("the room never reached {}", reply.request.min()));
    };
    let heads = timeline.heads(&reply.room, from, reply.ended.events);
    let Some(stamp) = stamp.filter(|stamp| heads.contains(stamp)) else {
        return Some(format!("it was last written at {stamp:?}, which none is of {heads:?}"));
    };
    let names: BTreeSet<&str> = stats.tables_stats.iter().map(|table| table.table_name.as_str()).collect();
    let (readable, needed) = (tables(reply, false), tables(reply, true));
    if !names.is_subset(&readable) || !needed.is_subset(&names) {
        return Some(format!("it is about the tables {names:?}, not {readable:?}"));
    }
    if stats.corrupt > 0 && !is_damaged {
        return Some(format!("it counts {} damaged items", stats.corrupt));
    }
    let counts = timeline.counts(&reply.room, from, reply.ended.events);
    let is_counted = |counts: &RoomCounts| {
        let dead_letters = (reply.role >= Role::Manager).then_some(counts.dead_letters);
        (dead_letters, counts.conflicts) == (stats.dead_letter_count, stats.conflict_count)
    };
    if !counts.iter().any(is_counted) {
        let found = (stats.dead_letter_count, stats.conflict_count);
        return Some(format!("it counts {found:?} dead letters and conflicts, which none is of {counts:?}"));
    }
    let found: BTreeMap<String, u64> = stats
        .tables_stats
        .iter()
        .filter(|table| table.record_count > 0)
        .map(|table| (table.table_name.clone(), table.record_count))
        .collect();
    // The stream of a run does not tell how far it is.
    let is_it = |(changes, live): &Counts| {
        let mut live = live.clone();
        live.retain(|table, _| names.contains(table.as_str()));
        *changes == stats.pending_queue_count && live == found
    };
    let empty = vec![(0, BTreeMap::new())];
    let at_stamp = if stamp == 0 { Some(&empty) } else { run.counts.get(&(reply.room.clone(), stamp)) };
    let is_right = at_stamp.is_some_and(|all| all.iter().any(is_it));
    (!is_right).then(|| format!("it counts {found:?} at {stamp}, which was {at_stamp:?}"))
}

/// The tables that the caller may read; of those that every release knows, if `by_all`: another release may
/// have stored the statistics.
fn tables(reply: &ApiReply, by_all: bool) -> BTreeSet<&'static str> {
    let names = SHAPES.iter().map(|shape| shape.table).filter(|table| table_rule(table).is_some());
    let readable = names.filter(|table| {
        !reply.release.unknown_tables().contains(table) && may_read(reply.release, reply.role, table)
    });
    readable.filter(|table| !by_all || !Release::Before.unknown_tables().contains(table)).collect()
}
