//! The run once more, through the model: every transaction must have written what the model says.

use std::collections::{BTreeMap, BTreeSet};

use functions::dynamo::item::Item;
use functions::sync::items::to_record;
use functions::sync::keys;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::push::{PushRecord, PushRequest};
use sync::record::Record;

use crate::sim::journal::{Call, Event, Journal};
use crate::sim::model::{Key, Model, Prediction, Pushed, Row, members, rule, same};
use crate::sim::wire;

/// What the model says of a run.
#[derive(Default)]
pub struct Replay {
    /// The rooms at the end.
    pub model: Model,
    /// What each call that committed should have been answered.
    pub predictions: BTreeMap<u64, Prediction>,
    /// The markers that have expired and were swept, by partition and key.
    forgotten: BTreeSet<(String, String)>,
    /// The records that were swept: their versions begin anew.
    swept: BTreeSet<(Room, Key)>,
    /// When each record that is deleted was.
    deaths: BTreeMap<(Room, Key), Stamp>,
}

/// Feeds the model with a run's commits.
pub fn replay(journal: &Journal) -> Replay {
    let (calls, mut replay) = (journal.calls(), Replay::default());
    for event in journal.events() {
        if !journal.findings().is_empty() {
            break;
        }
        match event {
            Event::Committed { call, puts, .. } => {
                let Some(pushed) = calls.get(&call) else { continue };
                replay.commit(journal, call, pushed, &puts);
            }
            Event::Swept { pk, sk } => replay.swept(journal, &pk, &sk),
        }
    }
    replay
}

impl Replay {
    /// Whether the server has forgotten a batch by its name, which it may after 90 days: sent again, or arriving again
    /// on its way, it is decided anew.
    pub fn has_forgotten(&self, room: &Room, body: &PushRequest) -> bool {
        let device = body.device_id.parse().ok();
        let batch = body.batch_id.as_ref().and_then(|batch| batch.parse().ok());
        device.zip(batch).is_some_and(|(device, batch)| {
            self.forgotten.contains(&(keys::room(room), keys::batch(&device, &batch)))
        })
    }

    /// The version that a batch gave a record, which no copy of it falls behind any more; 0 if it gave none, or if the
    /// record was swept at some time.
    pub fn oldest(&self, room: &Room, batch: &Prediction, key: Key) -> u64 {
        let made = batch.made.get(&key).copied().unwrap_or_default();
        if self.swept.contains(&(room.clone(), key)) { 0 } else { made }
    }

    fn commit(&mut self, journal: &Journal, call: u64, pushed: &Call, puts: &[Item]) {
        let Call { room, role, now, body } = pushed;
        let Some(prediction) = self.model.push(&Pushed { room, role: *role, body, now: *now }) else {
            return journal.find("commit", format!("call {call} committed what is no push"));
        };
        if prediction.undone {
            journal.find("commit", format!("call {call} committed an atomic batch that should be undone"));
        }
        let missing =
            self.model.rooms.get(room).into_iter().flat_map(|room| &room.rows).find(|(key, row)| {
                let put = |put: &Item| key_of(wire::key(put, "sk")).as_ref() == Some(*key);
                row.stamp > prediction.prev && !puts.iter().any(put)
            });
        if let Some((key, row)) = missing {
            let sent = about(body, key);
            let what = format!(
                "{room}: call {call} did not write {} {} at {now}: {row:?}; sent {sent}",
                key.0, key.1
            );
            journal.find("commit", what);
        }
        self.predictions.insert(call, prediction);
        let records = puts.iter().filter_map(|put| Some((key_of(wire::key(put, "sk"))?, put)));
        for (key, put) in records {
            let expected = self.model.rooms.get(room).and_then(|room| room.rows.get(&key));
            let differs = match (to_record(put), expected) {
                (Ok(found), Some(expected)) => {
                    stays_dead(&mut self.deaths, journal, pushed, &key, &found);
                    differences(&key, &found, expected)
                }
                (Ok(_), None) => Some("it is written, and should not be".to_owned()),
                (Err(error), _) => Some(error.to_string()),
            };
            if let Some(what) = differs {
                let sent = about(body, &key);
                journal.find(
                    "commit",
                    format!("{room}: call {call} wrote {} {} at {now}: {what}; sent {sent}", key.0, key.1),
                );
            }
        }
    }

    /// Only tombstones may ever be swept, and only those whose time has come; the log and markers are nobody's rows.
    fn swept(&mut self, journal: &Journal, pk: &str, sk: &str) {
        if sk.starts_with("BATCH#") {
            self.forgotten.insert((pk.to_owned(), sk.to_owned()));
        }
        let room = pk.strip_prefix("ROOM#").and_then(|rest| rest.replacen('#', ":", 1).parse::<Room>().ok());
        let (Some(room), Some(key)) = (room, key_of(sk)) else { return };
        let row = self.model.rooms.get(&room).and_then(|room| room.rows.get(&key));
        if row.is_some_and(|row| !row.deleted) {
            journal.find("commit", format!("{room}: {} {} is alive and expires", key.0, key.1));
        }
        self.model.purge(&room, &key);
        self.swept.insert((room, key));
    }
}

/// I6, told without the model: nobody brings a record back with a write from before its deletion that does not
/// say `base_version`, whether or not the tombstone is still there.
fn stays_dead(
    deaths: &mut BTreeMap<(Room, Key), Stamp>,
    journal: &Journal,
    pushed: &Call,
    key: &Key,
    found: &Record,
) {
    let place = (pushed.room.clone(), key.clone());
    if found.deleted {
        deaths.insert(place, found.stamp);
        return;
    }
    let Some(death) = deaths.remove(&place) else { return };
    let Ok(body) = serde_json::from_str::<PushRequest>(&pushed.body) else { return };
    let mut writes =
        body.records.iter().filter(|record| (&record.table_name, &record.record_id) == (&key.0, &key.1));
    let unaware = |record: &PushRecord| {
        record.base_version.is_none()
            && Timestamp::parse(&record.local_updated_at).is_ok_and(|at| at.0 < death.0)
    };
    if writes.all(unaware) {
        let (room, when) = (&pushed.room, death.time());
        journal.find("resurrection", format!("{room}: {} {}, deleted at {when}, comes back", key.0, key.1));
    }
}

/// What a push says of a record.
fn about(body: &str, key: &Key) -> String {
    let Ok(mut body) = serde_json::from_str::<PushRequest>(body) else { return String::new() };
    body.records.retain(|record| (&record.table_name, &record.record_id) == (&key.0, &key.1));
    serde_json::to_string(&body).unwrap_or_default()
}

/// The record that a sort key names.
pub fn key_of(sk: &str) -> Option<Key> {
    let (table, id) = sk.strip_prefix("REC#")?.split_once('#')?;
    Some((table.to_owned(), id.to_owned()))
}

/// What is wrong with a stored record.
pub fn differences(key: &Key, found: &Record, expected: &Row) -> Option<String> {
    let additive = |name: &str| rule(&key.0).is_some_and(|rule| rule.is_additive(name));
    let data = match (members(found.data.as_str()), &expected.data) {
        (Some(found), Some(expected)) => same(&found, expected, additive),
        (found, expected) => found.is_none() && expected.is_none(),
    };
    let rest = (found.version, found.stamp.0, found.modified_at.0, found.device.as_str(), found.deleted);
    let wanted =
        (expected.version, expected.stamp, expected.modified_at, expected.device.as_str(), expected.deleted);
    if data && rest == wanted {
        return None;
    }
    Some(format!("found {} {rest:?}, expected {:?} {wanted:?}", found.data.as_str(), expected.data))
}
