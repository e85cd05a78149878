//! The statistics of a room count its records as they were at one of its commits.

use std::collections::BTreeMap;

use protocol::stamp::Stamp;

use super::model_run::ModelRun;
use crate::sim::event_log::EventLog;
use crate::sim::stats::SeenFigures;

pub(crate) fn check(run: &ModelRun, log: &EventLog) {
    let seen = log.entries().figures.clone();
    for SeenFigures { call, room, figures } in seen {
        let head = figures.head;
        let live: BTreeMap<String, u64> = head.live.into_iter().filter(|(_, count)| *count > 0).collect();
        let before_all = head.stamp == Stamp::ZERO && live.is_empty();
        if !before_all && !run.counts.contains(&(room.clone(), head.stamp.0, live.clone())) {
            let what = format!("call {call}: {room} has {live:?} at {}, which it never had", head.stamp.0);
            log.violation("stats", what);
        }
    }
}
