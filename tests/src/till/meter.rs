//! What tills measure together: how long pushes take, how long until others see them, what it all cost.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::wire::push::PushRequest;

use crate::api::Units;

/// Shared by the tills of one run.
#[derive(Default)]
pub struct Meter(Mutex<Readings>);

/// What was measured.
#[derive(Clone, Default)]
pub struct Readings {
    /// When the push of a record began, by table and id.
    started: HashMap<(String, String), Instant>,
    /// How long each push took, its last try alone.
    pub pushes: Vec<Duration>,
    /// How long from the beginning of a push until another till had applied one of its records.
    pub screens: Vec<Duration>,
    /// Records pushed.
    pub records: usize,
    /// Changes pulled.
    pub pulled: usize,
    /// Pushes that had to be sent again.
    pub retries: usize,
    /// What pushes cost.
    pub push_units: Units,
    /// What pulls cost.
    pub pull_units: Units,
}

impl Meter {
    fn lock(&self) -> MutexGuard<'_, Readings> {
        // A reading is complete after every statement, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `batch` is about to be sent for the first time.
    pub fn pushing(&self, batch: &PushRequest) {
        let now = Instant::now();
        let mut readings = self.lock();
        // What is written again and again, as stock is, would be timed from its first write.
        for record in batch.records.iter().filter(|record| record.base_version == Some(0)) {
            readings.started.entry((record.table_name.clone(), record.record_id.clone())).or_insert(now);
        }
    }

    /// Notes that a push was answered.
    pub fn pushed(&self, took: Duration, records: usize, cost: Units) {
        let mut readings = self.lock();
        readings.pushes.push(took);
        readings.records += records;
        readings.push_units = readings.push_units.plus(cost);
    }

    /// Notes that a push must be sent again.
    pub fn retried(&self) {
        self.lock().retries += 1;
    }

    /// Notes that a page of changes was pulled.
    pub fn pulled(&self, changes: usize, cost: Units) {
        let mut readings = self.lock();
        readings.pulled += changes;
        readings.pull_units = readings.pull_units.plus(cost);
    }

    /// Notes that a till has applied a record that another one pushed.
    pub fn seen(&self, table: &str, id: &str) {
        let mut readings = self.lock();
        let started = readings.started.get(&(table.to_owned(), id.to_owned())).copied();
        readings.screens.extend(started.map(|started| started.elapsed()));
    }

    /// What was measured so far.
    pub fn readings(&self) -> Readings {
        self.lock().clone()
    }
}
