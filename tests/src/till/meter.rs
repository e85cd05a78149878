//! Measurements that the tills of a run share: latency of pushes and of their delivery to other tills, and
//! cost.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use protocol::wire::push::PushRequest;

use crate::api::Units;
use crate::lock;

/// Collects measurements.
#[derive(Default)]
pub struct Meter(Mutex<Readings>);

/// The measurements so far.
#[derive(Clone, Default)]
pub struct Readings {
    /// The first push of each record, by table and id.
    started: HashMap<(String, String), Instant>,
    /// The time of each push, its last attempt alone.
    pub pushes: Vec<Duration>,
    /// The time from the first attempt of a push until another till applied one of its records.
    pub deliveries: Vec<Duration>,
    /// Records pushed.
    pub records: usize,
    /// Changes pulled.
    pub pulled: usize,
    /// Retries of pushes.
    pub retries: usize,
    /// The cost of all pushes.
    pub push_units: Units,
    /// The cost of all pulls.
    pub pull_units: Units,
}

impl Meter {
    /// A push begins its first attempt.
    pub fn push_started(&self, batch: &PushRequest) {
        let now = Instant::now();
        let mut readings = lock(&self.0);
        // Only new records: later writes of a record would be timed from its first one.
        for record in batch.records.iter().filter(|record| record.base_version == Some(0)) {
            readings.started.entry((record.table_name.clone(), record.record_id.clone())).or_insert(now);
        }
    }

    /// A push was answered.
    pub fn push_answered(&self, took: Duration, records: usize, cost: Units) {
        let mut readings = lock(&self.0);
        readings.pushes.push(took);
        readings.records += records;
        readings.push_units = readings.push_units.plus(cost);
    }

    /// A push has to be sent again.
    pub fn push_retried(&self) {
        lock(&self.0).retries += 1;
    }

    /// A page was pulled.
    pub fn page_pulled(&self, changes: usize, cost: Units) {
        let mut readings = lock(&self.0);
        readings.pulled += changes;
        readings.pull_units = readings.pull_units.plus(cost);
    }

    /// A till applied a record of another till.
    pub fn change_seen(&self, table: &str, id: &str) {
        let mut readings = lock(&self.0);
        let started = readings.started.get(&(table.to_owned(), id.to_owned())).copied();
        readings.deliveries.extend(started.map(|started| started.elapsed()));
    }

    /// The measurements so far.
    pub fn readings(&self) -> Readings {
        lock(&self.0).clone()
    }
}
