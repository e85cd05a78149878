//! The states that each record and each HEAD went through, by the number of events before them.

use std::collections::BTreeMap;
use std::time::Duration;

use functions::dynamo::item::Item;
use functions::sync::items::counts::to_room_counts;
use functions::sync::items::{to_head, to_record};
use functions::sync::keys;
use model::Key;
use protocol::ids::Room;
use sync::counts::RoomCounts;
use tokio::time::Instant;

use crate::sim::event_log::{Event, EventLog, Moment};
use crate::sim::storage;

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) data: String,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
    pub(crate) deleted: bool,
}

/// A state that began after `events` events; a commit tells the cache about it.
#[derive(Clone, Debug)]
struct Stage<T> {
    events: usize,
    by_commit: bool,
    state: T,
}

/// All records, HEADs and counts at a moment.
#[derive(Clone, Default)]
struct States {
    /// `None`: purged, or damaged.
    records: BTreeMap<(Room, Key), Option<Seen>>,
    heads: BTreeMap<Room, u64>,
    counts: BTreeMap<Room, RoomCounts>,
}

#[derive(Default)]
pub(crate) struct Timeline {
    records: BTreeMap<(Room, Key), Vec<Stage<Option<Seen>>>>,
    heads: BTreeMap<Room, Vec<Stage<u64>>>,
    counts: BTreeMap<Room, Vec<Stage<RoomCounts>>>,
    times: Vec<Instant>,
    invalidated: BTreeMap<usize, Instant>,
    /// The numbers of events after which the tables had been put back.
    restores: Vec<usize>,
}

impl Timeline {
    pub(crate) fn of(log: &EventLog) -> Timeline {
        let (events, times, invalidated) = {
            let entries = log.entries();
            (entries.events.clone(), entries.times.clone(), entries.invalidated.clone())
        };
        let mut timeline = Timeline { times, invalidated, ..Timeline::default() };
        let (mut now, mut copies) = (States::default(), BTreeMap::new());
        for (number, event) in events.iter().enumerate() {
            let after = number + 1;
            match event {
                Event::Committed { puts, .. } => {
                    puts.iter().for_each(|put| timeline.put(&mut now, after, put));
                }
                Event::Expired { pk, sk } | Event::Damaged { pk, sk } => {
                    if let (Some(room), Some(key)) = (keys::room_of(pk), storage::record_key(sk)) {
                        timeline.record(&mut now, (room, key), Stage::new(after, false, None));
                    }
                }
                Event::Copied => drop(copies.insert(number, now.clone())),
                Event::Restored { copy, .. } => {
                    let earlier: States = copies.get(copy).cloned().unwrap_or_default();
                    timeline.restore(&mut now, after, &earlier);
                }
            }
        }
        timeline
    }

    fn put(&mut self, now: &mut States, after: usize, item: &Item) {
        let (pk, sk) = (storage::key(item, "pk"), storage::key(item, "sk"));
        let Some(room) = keys::room_of(pk) else { return };
        if let Some(key) = storage::record_key(sk) {
            let seen = to_record(item).ok().map(|record| Seen {
                data: record.data.as_str().to_owned(),
                version: record.version,
                stamp: record.stamp.0,
                deleted: record.deleted,
            });
            self.record(now, (room, key), Stage::new(after, true, seen));
        } else if sk == keys::HEAD {
            let stamp = to_head(item).map(|head| head.stamp.0).unwrap_or_default();
            self.head(now, room, Stage::new(after, true, stamp));
        } else if sk == keys::COUNTS {
            let counts = to_room_counts(item).map(|(counts, _)| counts).unwrap_or_default();
            self.count(now, room, Stage::new(after, true, counts));
        }
    }

    fn record(&mut self, now: &mut States, place: (Room, Key), stage: Stage<Option<Seen>>) {
        if now.records.insert(place.clone(), stage.state.clone()).flatten() != stage.state {
            self.records.entry(place).or_default().push(stage);
        }
    }

    fn head(&mut self, now: &mut States, room: Room, stage: Stage<u64>) {
        if now.heads.insert(room.clone(), stage.state) != Some(stage.state) {
            self.heads.entry(room).or_default().push(stage);
        }
    }

    fn count(&mut self, now: &mut States, room: Room, stage: Stage<RoomCounts>) {
        now.counts.insert(room.clone(), stage.state);
        self.counts.entry(room).or_default().push(stage);
    }

    fn restore(&mut self, now: &mut States, after: usize, earlier: &States) {
        self.restores.push(after);
        for place in now.records.keys().cloned().collect::<Vec<_>>() {
            let state = earlier.records.get(&place).cloned().flatten();
            self.record(now, place, Stage::new(after, false, state));
        }
        for room in now.heads.keys().cloned().collect::<Vec<_>>() {
            let state = earlier.heads.get(&room).copied().unwrap_or_default();
            self.head(now, room, Stage::new(after, false, state));
        }
        for room in now.counts.keys().cloned().collect::<Vec<_>>() {
            let state = earlier.counts.get(&room).copied().unwrap_or_default();
            self.count(now, room, Stage::new(after, false, state));
        }
    }

    /// The states of a record from the moment after `from` events to that after `to`.
    pub(crate) fn records(&self, room: &Room, key: &Key, from: usize, to: usize) -> Vec<Option<Seen>> {
        let stages = self.records.get(&(room.clone(), key.clone()));
        between(stages.map_or(&[], Vec::as_slice), None, from, to)
    }

    /// The stamps of a HEAD in the same way; 0 before the first commit.
    pub(crate) fn heads(&self, room: &Room, from: usize, to: usize) -> Vec<u64> {
        between(self.heads.get(room).map_or(&[], Vec::as_slice), 0, from, to)
    }

    /// The counts of a room in the same way.
    pub(crate) fn counts(&self, room: &Room, from: usize, to: usize) -> Vec<RoomCounts> {
        between(self.counts.get(room).map_or(&[], Vec::as_slice), RoomCounts::default(), from, to)
    }

    /// The number of events after which the cache knew of a record's latest change that it had been told of
    /// `before`.
    pub(crate) fn invalidated(&self, room: &Room, key: &Key, before: Instant) -> usize {
        let stages = self.records.get(&(room.clone(), key.clone())).into_iter().flatten();
        let is_known = |stage: &&Stage<_>| {
            let told = stage.events.checked_sub(1).and_then(|event| self.invalidated.get(&event));
            stage.by_commit && told.is_some_and(|told| *told <= before)
        };
        stages.filter(is_known).map(|stage| stage.events).max().unwrap_or_default()
    }

    /// The number of events `age` before `moment`.
    pub(crate) fn events_before(&self, moment: Moment, age: Duration) -> usize {
        let Some(at) = moment.at.checked_sub(age) else { return 0 };
        self.times.partition_point(|time| *time < at).min(moment.events)
    }

    /// The number of events after which a HEAD first had reached `min`, since the last restore before
    /// `moment`. `None` if it never did.
    pub(crate) fn reached(&self, room: &Room, min: u64, moment: Moment) -> Option<usize> {
        let restored = self.restored(moment);
        if self.heads(room, restored, restored).iter().any(|head| *head >= min) {
            return Some(restored);
        }
        let stages = self.heads.get(room)?.iter();
        let mut later = stages.filter(|stage| stage.events > restored && stage.state >= min);
        later.next().map(|stage| stage.events)
    }

    /// The number of events after which the tables were put back, before `moment`; 0 if they never were.
    pub(crate) fn restored(&self, moment: Moment) -> usize {
        let before = self.restores.iter().filter(|events| **events <= moment.events);
        before.max().copied().unwrap_or_default()
    }

    /// Whether the tables were put back between `from` and `to`, or shortly before.
    pub(crate) fn is_restored_between(&self, from: Moment, to: Moment) -> bool {
        const SHORTLY: Duration = Duration::from_secs(60);
        let from = self.events_before(from, SHORTLY);
        self.restores.iter().any(|events| from < *events && *events <= to.events)
    }
}

impl<T> Stage<T> {
    fn new(events: usize, by_commit: bool, state: T) -> Stage<T> {
        Stage { events, by_commit, state }
    }
}

fn between<T: Clone>(stages: &[Stage<T>], first: T, from: usize, to: usize) -> Vec<T> {
    let before = stages.iter().rev().find(|stage| stage.events <= from);
    let later = stages.iter().filter(|stage| from < stage.events && stage.events <= to);
    let before = before.map_or(first, |stage| stage.state.clone());
    std::iter::once(before).chain(later.map(|stage| stage.state.clone())).collect()
}
