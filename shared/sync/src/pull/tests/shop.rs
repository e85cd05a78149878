//! A fake store of one room.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::LOG_SETTLE_SECS;
use crate::log::{Damaged, LogItem};
use crate::pull::log_page::LogPart;
use crate::pull::plan::{ReadPlan, begin, has_skipped, nothing_new, plan, settled};
use crate::pull::query::{RoomPull, RoomStart, Selection};
use crate::pull::table_ranges::ranges;
use crate::pull::walk_page::Rows;
use crate::pull::{Page, log_page, walk_page};
use crate::record::Record;
use crate::snapshot::Head;
use crate::table_stamps::TableStamps;
use crate::tests::rules;
use protocol::error::ApiError;
use protocol::json::JsonText;
use protocol::record::{Change, Operation, RecordKey};
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishedChange};

pub(super) const START: Timestamp = Timestamp(1_765_103_400_000_000);

pub(super) fn key(id: usize) -> RecordKey {
    let table = if id.is_multiple_of(2) { "products" } else { "customers" };
    RecordKey { table: table.into(), id: format!("r{id}") }
}

/// The tables of [`key`].
pub(super) const TABLES: [&str; 2] = ["customers", "products"];

pub(crate) fn selection(limit: usize) -> Selection {
    let digest = rules().tables.digest(TABLES);
    Selection {
        tables: TABLES.map(str::to_owned).into(),
        all: true,
        digest,
        whole: BTreeSet::new(),
        readable: digest,
        limit,
    }
}

/// A pull of the room.
pub(super) fn pull(start: RoomStart, limit: usize) -> RoomPull {
    RoomPull { room: "1:2".parse().unwrap(), start, min: Stamp::ZERO, selection: selection(limit) }
}

/// A room. Reads may miss commits of the last [`LOG_SETTLE_SECS`].
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) now: Timestamp,
    pub(super) head: Head,
    pub(super) log: Vec<Publication>,
    pub(super) records: BTreeMap<RecordKey, Record>,
    /// The last stamps of damaged log items.
    pub(super) damaged_log: BTreeSet<Stamp>,
    /// The keys of damaged records.
    pub(super) damaged_records: BTreeSet<RecordKey>,
    /// Whether commits are of the release before, which does not know of `table_stamps`.
    pub(super) is_before: bool,
    /// HEAD and records before each unsettled commit, with its first stamp.
    before: Vec<(Stamp, Head, BTreeMap<RecordKey, Record>)>,
}

impl Default for Shop {
    fn default() -> Shop {
        let (head, log, records) = (Head::default(), Vec::new(), BTreeMap::new());
        let (damaged_log, damaged_records, before) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        Shop { now: START, head, log, records, damaged_log, damaged_records, is_before: false, before }
    }
}

impl Shop {
    /// Commits a write of each of `ids`; deletes if `deleted`.
    pub(super) fn commit(&mut self, ids: &[usize], deleted: bool) {
        let first = self.head.stamp.next(self.now);
        self.before.push((first, self.head.clone(), self.records.clone()));
        let device: protocol::ids::DeviceId = "till-1".parse().unwrap();
        let mut changes = Vec::new();
        for (i, &id) in ids.iter().enumerate() {
            let (key, stamp) = (key(id), first.plus(i));
            let known = self.records.get(&key);
            let operation = match known {
                _ if deleted => Operation::Delete,
                Some(known) if !known.deleted => Operation::Update,
                _ => Operation::Create,
            };
            let version = known.map_or(0, |known| known.version) + 1;
            let data = JsonText::from_text(stamp.0.to_string()).unwrap();
            changes.push(change(&key, operation, data.clone(), version));
            let record = crate::tests::record(data.as_str(), version, stamp.0);
            self.records.insert(key, Record { deleted, ..record });
        }
        let (client_id, branch_id) = ("1".parse().unwrap(), "2".parse().unwrap());
        let item =
            Publication { client_id, branch_id, device_id: device, prev: self.head.stamp, first, changes };
        let stamps = self.stamps_after(&item);
        self.head.table_stamps = if self.is_before { self.head.table_stamps.take() } else { Some(stamps) };
        self.head.stamp = item.last();
        self.head.changes += ids.len() as u64;
        self.head.log_items += 1;
        self.log.push(item);
    }

    /// The last changes of tables after `item`.
    fn stamps_after(&self, item: &Publication) -> TableStamps {
        let change = |(i, change): (usize, &PublishedChange)| Change {
            key: RecordKey { table: change.table_name.clone(), id: change.record_id.clone() },
            operation: change.operation,
            data: change.data.clone(),
            version: change.version,
            stamp: item.first.plus(i),
        };
        let changes: Vec<Change> = item.changes.iter().enumerate().map(change).collect();
        TableStamps::after(&self.head, &changes)
    }

    /// Advances the clock, so that commits settle.
    pub(super) fn wait(&mut self, secs: u64) {
        self.now = self.now.plus_secs(secs);
        let settled = settled(self.now);
        self.before.retain(|(first, ..)| *first > settled);
    }

    /// Expires up to `items` log items, and the tombstones that the remaining log does not contain.
    pub(super) fn expire(&mut self, items: usize) {
        let settled = settled(self.now);
        let old = self.log.iter().take_while(|item| item.last() <= settled).count();
        self.log.drain(..items.min(old));
        let begins = self.log.first().map_or(self.head.stamp, |item| item.prev).min(settled);
        self.records.retain(|_, record| !record.deleted || record.stamp > begins);
    }

    /// Restores the state before the unsettled commits, which takes a minute.
    pub(super) fn restore(&mut self) {
        let Some((first, head, records)) = self.before.first().cloned() else { return };
        self.log.retain(|item| item.first < first);
        (self.head, self.records) = (head, records);
        self.before.clear();
        self.wait(LOG_SETTLE_SECS);
    }

    /// A log item as the store reads it.
    fn read(&self, item: &Publication) -> Result<Publication, Damaged> {
        let last = item.last();
        if self.damaged_log.contains(&last) { Err(Damaged { last }) } else { Ok(item.clone()) }
    }

    /// A record as the store reads it.
    fn read_record(&self, key: &RecordKey, record: &Record) -> Option<Record> {
        (!self.damaged_records.contains(key)).then(|| record.clone())
    }

    /// One page, as the handler builds it; `torn` hides unsettled commits from the log and from the records.
    pub(super) fn page(&self, pull: &RoomPull, torn: (bool, bool)) -> Result<Page, ApiError> {
        let settled = settled(self.now);
        let log = self.log.iter().filter(|item| !torn.0 || item.first <= settled);
        let records = self.before.first().filter(|_| torn.1).map_or(&self.records, |(.., records)| records);
        let tables = rules().tables;
        let walk = match plan(&tables, &self.head, pull)? {
            ReadPlan::Nothing => return Ok(nothing_new(&self.head)),
            ReadPlan::Log { position, items } => {
                let found = log.clone().filter(|item| item.last() > position.stamp).take(items);
                let found = found.map(|item| self.read(item).map(|item| part(item, &pull.selection)));
                match log_page::page(&tables, &self.head, pull, position, found, self.now)? {
                    Some(page) => return Ok(page),
                    None => None,
                }
            }
            ReadPlan::Snapshot => None,
            ReadPlan::Walk(walk) => match walk.skipped {
                Some(skipped) => {
                    let item = log.clone().find(|item| item.last() >= skipped).map(log_item);
                    has_skipped(skipped, item.as_ref(), self.now)?.then_some(walk)
                }
                None => Some(walk),
            },
        };
        let first = log.clone().find(|item| item.last() > settled);
        let first = first.and_then(|item| self.read(item).ok()).as_ref().map(log_item);
        let walk = walk.map_or_else(|| begin(&self.head, first.as_ref(), self.now), Ok)?;
        let ranges = ranges(&tables, &pull.selection.tables, walk.after.as_ref());
        let is_asked =
            |key: &RecordKey| ranges.iter().any(|range| (&range.first..=&range.last).contains(&&key.table));
        let rest = records.iter().filter(|(key, _)| Some(*key) > walk.after.as_ref() && is_asked(key));
        let rows: Vec<_> = rest
            .take(pull.selection.limit)
            .map(|(key, record)| (key.clone(), self.read_record(key, record)))
            .collect();
        let more = rows.len() == pull.selection.limit;
        walk_page::page(&tables, &self.head, pull, walk, Rows { rows, more })
    }
}

fn change(key: &RecordKey, operation: Operation, data: JsonText, version: u64) -> PublishedChange {
    let (table_name, record_id) = (key.table.clone(), key.id.clone());
    PublishedChange { table_name, record_id, operation, data, version, read: Role::Cashier }
}

fn log_item(item: &Publication) -> LogItem {
    let (prev, first, last, device) = (item.prev, item.first, item.last(), item.device_id.clone());
    let tables = Some(item.changes.iter().map(|change| change.table_name.clone()).collect());
    LogItem { prev, first, last, total: 0, device, tables, body: Vec::new() }
}

/// The item as the handler reads it.
fn part(item: Publication, selection: &Selection) -> LogPart {
    let beside = LogPart::beside(&rules().tables, selection, &log_item(&item));
    beside.unwrap_or(LogPart::Changes(item))
}

/// The live rows that a till should have.
pub(super) fn live(shop: &Shop) -> BTreeMap<(String, String), Stamp> {
    let live = shop.records.iter().filter(|(_, record)| !record.deleted);
    live.map(|(key, record)| ((key.table.clone(), key.id.clone()), record.stamp)).collect()
}
