//! Random batches as a till writes them: mostly sensible, some with the mistakes that happen in shops.

use std::fmt::Write;

use protocol::json::JsonText;
use protocol::stamp::Stamp;
use protocol::timestamp::device_time::DeviceTime;
use protocol::wire::push::{PushRecord, PushRequest};

use super::clock::YEARS;
use super::rng::Rng;
use super::shape::{Member, SHAPES, Shape};
use super::spelling::respelled;
use crate::till::rows::{Row, Rows};

/// Share of large batches.
const BULK_PERMILLE: u64 = 4;
/// Share of batches with groups.
const GROUPS_PERMILLE: u64 = 250;
/// Share of batches whose till tells what it had seen, and of their records that tell no version.
const BASE_STAMP_PERMILLE: u64 = 250;
const UNVERSIONED_PERMILLE: u64 = 800;
/// Share of batches with records that tell no time.
const UNDATED_PERMILLE: u64 = 60;
const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;
/// Times that no clock of a shop should show.
const TIMES: [&str; 4] =
    ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00+03:00", "2016-12-31T23:59:60Z", "9999-12-31T23:59:59Z"];

pub(crate) struct Writer<'a> {
    pub(crate) device: &'a str,
    pub(crate) batch: u64,
    pub(crate) rows: &'a Rows,
    /// How far the till has followed the room.
    pub(crate) position: Stamp,
    pub(crate) clock: DeviceTime,
    /// The records that all tills share.
    pub(crate) keys: KeySpace,
}

/// The tables and ids that the tills of a run share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySpace {
    /// Ids in each table.
    ids: u64,
    /// The first table and the number of tables.
    tables: (usize, usize),
}

impl KeySpace {
    /// The key space of a run. It is tiny in some runs, so that all tills write the same few records.
    pub(crate) fn random(rng: &mut Rng) -> KeySpace {
        let first = usize::try_from(rng.below(SHAPES.len() as u64)).unwrap_or_default();
        match rng.chance(400) {
            true => KeySpace { ids: 2, tables: (first, 2) },
            false => KeySpace { ids: 4, tables: (0, SHAPES.len()) },
        }
    }

    fn shapes(self) -> Vec<&'static Shape> {
        SHAPES.iter().cycle().skip(self.tables.0).take(self.tables.1).collect()
    }
}

impl Writer<'_> {
    pub(crate) fn batch(&self, rng: &mut Rng) -> PushRequest {
        let count = rng.weighted(&[(6, 1), (5, 2), (3, 4), (1, 12)], 1);
        // From a generator of its own, so that the seeds that show rare mutations stay.
        let mut extras = Rng::derived(rng.clone().next_u64(), 1);
        let mut records = match rng.chance(BULK_PERMILLE) {
            true => self.bulk(rng),
            false => (0..count).map(|nth| self.record(rng, nth)).collect(),
        };
        if extras.chance(GROUPS_PERMILLE) {
            records.iter_mut().for_each(|record| record.group = group(&mut extras));
        }
        if extras.chance(UNDATED_PERMILLE) {
            let undated = records.iter_mut().filter(|_| extras.chance(700));
            undated.for_each(|record| record.local_updated_at = None);
        }
        let base_stamp = extras.chance(BASE_STAMP_PERMILLE).then(|| self.base_stamp(&mut extras));
        if base_stamp.is_some() {
            let unversioned = records.iter_mut().filter(|_| extras.chance(UNVERSIONED_PERMILLE));
            unversioned.for_each(|record| record.base_version = None);
        }
        // All tills use the same batch ids, which are unique only for each device. A group needs one.
        let is_grouped = records.iter().any(|record| record.group.is_some());
        let batch_id = (!rng.chance(60) || is_grouped).then(|| format!("b-{}", self.batch));
        PushRequest {
            device_id: self.device.to_owned(),
            batch_id,
            device_seq: None,
            base_stamp,
            atomic: rng.chance(80),
            branch_id: None,
            device_time: rng.chance(500).then(|| self.clock.to_string()),
            records,
        }
    }

    /// What the till has seen of the room; sometimes it says less, or what the room does not have.
    fn base_stamp(&self, rng: &mut Rng) -> Stamp {
        let Stamp(position) = self.position;
        let less = position.saturating_sub(rng.between(1, 600) * 1_000_000);
        let beyond = position.saturating_add(rng.between(1, 30) * DAY_MICROS);
        Stamp(rng.weighted(&[(80, position), (12, less), (2, 0), (6, beyond)], position))
    }

    fn record(&self, rng: &mut Rng, nth: u64) -> PushRecord {
        let shape = rng.pick(&self.keys.shapes()).copied().unwrap_or(&SHAPES[0]);
        // Few shared ids, so that tills conflict; append-only tables also have rows of one till alone.
        let record_id = match shape.own_rows && rng.chance(600) {
            true => format!("{}-{}-{nth}", self.device, self.batch),
            false => format!("r{}", rng.below(self.keys.ids)),
        };
        let known = self.rows.get(shape.table, &record_id);
        let mut record = PushRecord {
            table_name: shape.table.to_owned(),
            record_id,
            data: None,
            local_updated_at: Some(self.time(rng).to_string()),
            is_deleted: shape.deletes && rng.chance(120),
            base_version: base_version(rng, known),
            ..PushRecord::default()
        };
        if record.is_deleted {
            record.data = rng.chance(300).then(|| self.data(rng, shape, known)).flatten();
        } else {
            record.data = self.data(rng, shape, known);
            if known.is_some_and(|row| !row.deleted) || rng.chance(50) {
                record.fields = rng.chance(450).then(|| fields(rng, shape));
            }
        }
        corrupt(rng, &mut record);
        record
    }

    /// A batch that is too large for a log item, and sometimes for a request.
    fn bulk(&self, rng: &mut Rng) -> Vec<PushRecord> {
        let record = |nth: u64| PushRecord {
            table_name: "settings".to_owned(),
            record_id: format!("bulk-{nth}"),
            data: JsonText::from_text(format!("{{\"name\":\"{}\"}}", noise(rng))).ok(),
            local_updated_at: Some(self.clock.to_string()),
            ..PushRecord::default()
        };
        let count = 12 + self.batch % 19;
        (0..count).map(record).collect()
    }

    /// The time of a write: usually now, sometimes earlier, sometimes from a clock that was set wrong.
    fn time(&self, rng: &mut Rng) -> DeviceTime {
        let old = rng.between(1, 3600) * 1_000_000;
        let ancient = rng.between(1, 130) * DAY_MICROS;
        let back = rng.weighted(&[(88, 0), (8, old), (4, ancient)], 0);
        let ahead = if rng.chance(25) { rng.between(0, 900) * 1_000_000 } else { 0 };
        let time = self.clock.0.saturating_sub_unsigned(back).saturating_add_unsigned(ahead);
        DeviceTime(time).clamp(YEARS[0], YEARS[1])
    }

    fn data(&self, rng: &mut Rng, shape: &Shape, known: Option<&Row>) -> Option<JsonText> {
        if let Some(row) = known.filter(|_| rng.chance(120)) {
            // The known data unchanged, as if another till had made the same change.
            return Some(row.data.clone()).filter(JsonText::is_object).map(|data| respelled(rng, data));
        }
        let only_deltas =
            rng.chance(250) && shape.members.iter().any(|member| matches!(member, Member::Sum(_)));
        let mut text = String::new();
        for member in shape.members {
            let included = if only_deltas { matches!(member, Member::Sum(_)) } else { rng.chance(750) };
            if included {
                text.push(if text.is_empty() { '{' } else { ',' });
                let value = value(rng, member, only_deltas, known.is_some());
                // Writing to a string does not fail.
                let _ = write!(text, "\"{}\":{value}", member.name());
            }
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        JsonText::from_text(text).ok().map(|data| respelled(rng, data))
    }
}

/// Data over the limit of a record: some of it is kept whole in the dead letters, some is cut, and some is
/// over the limit of a batch.
fn photo(rng: &mut Rng) -> Option<JsonText> {
    let bytes = if rng.chance(120) { rng.between(1_050_000, 1_300_000) } else { rng.between(66_000, 90_000) };
    let bytes = usize::try_from(bytes).unwrap_or_default();
    JsonText::from_text(format!("{{\"photo\":\"{}\"}}", "x".repeat(bytes))).ok()
}

/// Text that does not compress.
fn noise(rng: &mut Rng) -> String {
    let words = rng.between(1500, 3500);
    (0..words).map(|_| format!("{:016x}", rng.next_u64())).collect()
}

fn base_version(rng: &mut Rng, known: Option<&Row>) -> Option<u64> {
    let version = known.map(|row| row.version);
    let fresh = Some(version.unwrap_or(0));
    let stale = Some(version.unwrap_or(1).saturating_sub(rng.below(3)));
    let unknown = Some(version.unwrap_or(1) + rng.between(1, 90));
    rng.weighted(&[(60, fresh), (21, None), (8, Some(0)), (9, stale), (2, unknown)], fresh)
}

fn fields(rng: &mut Rng, shape: &Shape) -> Vec<String> {
    let named = shape.members.iter().filter(|_| rng.chance(500)).map(|member| member.name().to_owned());
    named.collect()
}

fn value(rng: &mut Rng, member: &Member, deltas: bool, known: bool) -> String {
    match member {
        Member::Text(_) => format!("\"{}\"", one(rng, &["a", "b", "c", "Größe 42", "\\\"q\\\""])),
        Member::Number(_) => {
            one(rng, &["1", "1.10", "0.3", "9007199254740993", "-2", "1e3", "null"]).to_owned()
        }
        Member::State(_, states) => format!("\"{}\"", one(rng, states)),
        Member::Sum(_) if deltas || (known && rng.chance(600)) => {
            let delta = one(rng, &["-1", "-2", "2", "0.1", "0.2", "-0.3", "-25", "-1", "4", "x"]);
            format!("{{\"$delta\":\"{delta}\"}}")
        }
        // Not on the sums of `quantity` in `product_stock`, which are checked to be those of their deltas.
        Member::Sum("stock") if rng.chance(60) => {
            format!("{{\"$set\":\"{}\"}}", one(rng, &["7", "0.50", "-3", "x"]))
        }
        Member::Sum(_) => one(rng, &["0", "5", "10.5", "3"]).to_owned(),
    }
}

/// The group of a record: one of two, seldom one with a bad name, or none.
fn group(rng: &mut Rng) -> Option<String> {
    let names = [(8, Some("sale-1")), (8, Some("sale-2")), (4, None), (1, Some(""))];
    rng.weighted(&names, None).map(str::to_owned)
}

fn one<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    rng.pick(from).copied().unwrap_or_default()
}

/// Makes a few records invalid or strange.
fn corrupt(rng: &mut Rng, record: &mut PushRecord) {
    match rng.below(150) {
        0 => record.table_name = "dreams".to_owned(),
        1 => record.local_updated_at = Some("yesterday".to_owned()),
        2 => record.record_id = "\u{7}".to_owned(),
        3 => record.data = JsonText::from_text("[1]".to_owned()).ok(),
        4 => {
            record.data =
                JsonText::from_text(format!("{{\"name\":{}1{}}}", "[".repeat(70), "]".repeat(70))).ok();
        }
        5 => record.data = photo(rng),
        6 => record.local_updated_at = Some(one(rng, &TIMES).to_owned()),
        _ => {}
    }
}
