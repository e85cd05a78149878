//! What somebody writes at a till: sensible things, and what goes wrong in shops.

use std::fmt::Write;

use protocol::json::JsonText;
use protocol::timestamp::Timestamp;
use protocol::wire::push::{PushRecord, PushRequest};

use super::dice::Dice;
use super::shape::{Member, SHAPES, Shape};
use crate::till::rows::{Row, Rows};

/// Batches of a thousand that are large.
const BULKY_PERMILLE: u64 = 4;
/// A day.
const DAY_MICROS: u64 = 24 * 3600 * 1_000_000;

/// Whoever writes.
pub struct Writer<'a> {
    /// The device.
    pub device: &'a str,
    /// How many batches it has made.
    pub batch: u64,
    /// What it knows.
    pub rows: &'a Rows,
    /// The time on its clock.
    pub clock: Timestamp,
    /// What there is to write about.
    pub shop: Shop,
}

/// How much there is in a shop that several tills may write about.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// Ids in each table.
    ids: u64,
    /// The first of its tables, and how many there are.
    tables: (usize, usize),
}

impl Shop {
    /// The shop of a run. In some, all tills write the same few records at once.
    pub fn of(dice: &mut Dice) -> Shop {
        let first = usize::try_from(dice.below(SHAPES.len() as u64)).unwrap_or_default();
        match dice.permille(400) {
            true => Shop { ids: 2, tables: (first, 2) },
            false => Shop { ids: 4, tables: (0, SHAPES.len()) },
        }
    }

    fn shapes(self) -> Vec<&'static Shape> {
        SHAPES.iter().cycle().skip(self.tables.0).take(self.tables.1).collect()
    }
}

impl Writer<'_> {
    /// A batch of a few records.
    pub fn batch(&self, dice: &mut Dice) -> PushRequest {
        let count = dice.weighted(&[(6, 1), (5, 2), (3, 4), (1, 12)], 1);
        let records = match dice.permille(BULKY_PERMILLE) {
            true => self.bulk(dice),
            false => (0..count).map(|nth| self.record(dice, nth)).collect(),
        };
        // The same names at every till: a batch is named by its device too.
        let batch_id = (!dice.permille(60)).then(|| format!("b-{}", self.batch));
        PushRequest {
            device_id: self.device.to_owned(),
            batch_id,
            atomic: dice.permille(80),
            branch_id: None,
            device_time: dice.permille(500).then(|| self.clock.to_string()),
            records,
        }
    }

    fn record(&self, dice: &mut Dice, nth: u64) -> PushRecord {
        let shape = dice.pick(&self.shop.shapes()).copied().unwrap_or(&SHAPES[0]);
        // Few enough that tills meet; in an append-only table, also rows that are a till's own.
        let record_id = match shape.own_rows && dice.permille(600) {
            true => format!("{}-{}-{nth}", self.device, self.batch),
            false => format!("r{}", dice.below(self.shop.ids)),
        };
        let known = self.rows.get(shape.table, &record_id);
        let mut record = PushRecord {
            table_name: shape.table.to_owned(),
            record_id,
            data: None,
            local_updated_at: self.time(dice).to_string(),
            is_deleted: shape.deletes && dice.permille(120),
            base_version: base(dice, known),
            fields: None,
        };
        if record.is_deleted {
            record.data = dice.permille(300).then(|| self.data(dice, shape, known)).flatten();
        } else {
            record.data = self.data(dice, shape, known);
            if known.is_some_and(|row| !row.deleted) || dice.permille(50) {
                record.fields = dice.permille(450).then(|| names(dice, shape));
            }
        }
        spoil(dice, &mut record);
        record
    }

    /// Pictures, say: a log item cannot hold them all, and some such batches are more than may be sent at once.
    fn bulk(&self, dice: &mut Dice) -> Vec<PushRecord> {
        let record = |nth: u64| PushRecord {
            table_name: "settings".to_owned(),
            record_id: format!("bulk-{}", nth % 20),
            data: JsonText::from_text(format!("{{\"name\":\"{}\"}}", noise(dice))).ok(),
            local_updated_at: self.clock.to_string(),
            is_deleted: false,
            base_version: None,
            fields: None,
        };
        let count = 12 + self.batch % 19;
        (0..count).map(record).collect()
    }

    /// Usually now; sometimes from a note on paper, sometimes from a clock that somebody set.
    fn time(&self, dice: &mut Dice) -> Timestamp {
        let old = dice.between(1, 3600) * 1_000_000;
        let ancient = dice.between(1, 130) * DAY_MICROS;
        let back = dice.weighted(&[(88, 0), (8, old), (4, ancient)], 0);
        let ahead = if dice.permille(25) { dice.between(0, 900) * 1_000_000 } else { 0 };
        Timestamp(self.clock.0.saturating_sub(back).saturating_add(ahead))
    }

    fn data(&self, dice: &mut Dice, shape: &Shape, known: Option<&Row>) -> Option<JsonText> {
        if let Some(row) = known.filter(|_| dice.permille(120)) {
            // Nothing has changed, or only what somebody else has changed too.
            return JsonText::from_text(row.data.clone()).ok().filter(JsonText::is_object);
        }
        let only_deltas =
            dice.permille(250) && shape.members.iter().any(|member| matches!(member, Member::Sum(_)));
        let mut text = String::new();
        for member in shape.members {
            let wanted = if only_deltas { matches!(member, Member::Sum(_)) } else { dice.permille(750) };
            if wanted {
                text.push(if text.is_empty() { '{' } else { ',' });
                let value = value(dice, member, only_deltas, known.is_some());
                // Writing to a text does not fail.
                let _ = write!(text, "\"{}\":{value}", member.name());
            }
        }
        text.push_str(if text.is_empty() { "{}" } else { "}" });
        JsonText::from_text(text).ok()
    }
}

/// Text that does not compress.
fn noise(dice: &mut Dice) -> String {
    let words = dice.between(1500, 3500);
    (0..words).map(|_| format!("{:016x}", dice.roll())).collect()
}

fn base(dice: &mut Dice, known: Option<&Row>) -> Option<u64> {
    let version = known.map(|row| row.version);
    let fresh = Some(version.unwrap_or(0));
    let stale = Some(version.unwrap_or(1).saturating_sub(dice.below(3)));
    dice.weighted(&[(60, fresh), (22, None), (8, Some(0)), (10, stale)], fresh)
}

/// The members that somebody says have changed.
fn names(dice: &mut Dice, shape: &Shape) -> Vec<String> {
    let named = shape.members.iter().filter(|_| dice.permille(500)).map(|member| member.name().to_owned());
    named.collect()
}

fn value(dice: &mut Dice, member: &Member, deltas: bool, known: bool) -> String {
    match member {
        Member::Text(_) => format!("\"{}\"", one(dice, &["a", "b", "c", "Größe 42", "\\\"q\\\""])),
        Member::Number(_) => {
            one(dice, &["1", "1.10", "0.3", "9007199254740993", "-2", "1e3", "null"]).to_owned()
        }
        Member::State(_, states) => format!("\"{}\"", one(dice, states)),
        Member::Sum(_) if deltas || (known && dice.permille(600)) => {
            let delta = one(dice, &["-1", "-2", "2", "0.1", "0.2", "-0.3", "-25", "-1", "4", "x"]);
            format!("{{\"$delta\":\"{delta}\"}}")
        }
        Member::Sum(_) => one(dice, &["0", "5", "10.5", "3"]).to_owned(),
    }
}

fn one<'a>(dice: &mut Dice, from: &[&'a str]) -> &'a str {
    dice.pick(from).copied().unwrap_or_default()
}

/// Now and then a record that no server can take.
fn spoil(dice: &mut Dice, record: &mut PushRecord) {
    match dice.below(150) {
        0 => record.table_name = "dreams".to_owned(),
        1 => record.local_updated_at = "yesterday".to_owned(),
        2 => record.record_id = "\u{7}".to_owned(),
        3 => record.data = JsonText::from_text("[1]".to_owned()).ok(),
        _ => {}
    }
}
