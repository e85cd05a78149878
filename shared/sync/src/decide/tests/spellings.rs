//! One JSON value in several spellings: white space, escapes and the order of members change no outcome.

use proptest::prelude::*;

use super::*;
use crate::batch_hash::BatchHash;
use crate::marker::Marker;

/// The push of one record with `data` as text.
fn push_of(table: &str, device: &str, data: &str, rest: &str) -> Push {
    let body = format!(
        r#"{{"device_id":"{device}","batch_id":"b","records":[{{"table_name":"{table}","record_id":"p1",
            "data":{data},"local_updated_at":"2025-12-07T10:00:00Z"{rest}}}]}}"#
    );
    Push::parse(&rules().tables, Role::Manager, body.as_bytes()).unwrap()
}

/// Decides a push and keeps its writes.
fn decided(snapshot: &mut Snapshot, push: &Push) -> Plan {
    let plan = decide(&rules(), snapshot, push, NOW);
    snapshot.records.extend(plan.puts.iter().map(|put| (put.key.clone(), put.record.clone())));
    snapshot.head = Some(plan.head.clone());
    plan
}

const PLAIN: &str = r#"{"name":"Café a/b","address":{"city":"Köln","lines":[1.10,"x"]},"status":"open"}"#;
const OTHER: &str = r#"{ "st\u0061tus" : "op\u0065n", "address": { "lines": [ 1.10, "\u0078" ], "city": "K\u00F6ln" },
                        "name":"Caf\u00e9 a\/b" }"#;

#[test]
fn the_same_row_in_another_spelling_is_a_replay() {
    for table in ["invoices", "halls", "payment_methods", "promotions", "products"] {
        let mut snapshot = Snapshot::default();
        decided(&mut snapshot, &push_of(table, "till-1", PLAIN, ""));
        let again = decided(&mut snapshot, &push_of(table, "till-1", OTHER, r#","base_version":0"#));
        let [Outcome::AlreadyApplied { version: 1, stored: None, .. }] = again.outcomes.as_slice() else {
            panic!("{table}: {:?}", again.outcomes)
        };
        assert!(again.puts.is_empty() && again.dead.is_empty());
        assert_eq!(
            snapshot.records.values().next().unwrap().data.as_str(),
            PLAIN,
            "stored as it was received"
        );
    }
    let mut snapshot = Snapshot::default();
    decided(&mut snapshot, &push_of("invoices", "till-1", PLAIN, ""));
    let other_till = decided(&mut snapshot, &push_of("invoices", "till-2", OTHER, ""));
    assert!(matches!(other_till.outcomes[0], Outcome::AlreadyApplied { .. }), "{:?}", other_till.outcomes);
}

#[test]
fn a_number_in_another_notation_is_another_value() {
    let mut snapshot = Snapshot::default();
    decided(&mut snapshot, &push_of("cash_movements", "till-1", r#"{"amount":1.10}"#, ""));
    let other = decided(&mut snapshot, &push_of("cash_movements", "till-1", r#"{"amount":1.1}"#, ""));
    assert_eq!(code(&other.outcomes[0]), RejectionCode::AppendOnly);
}

#[test]
fn members_that_both_sides_spell_differently_do_not_conflict() {
    let mut snapshot = Snapshot::default();
    decided(&mut snapshot, &push_of("products", "till-1", r#"{"size":{"x":1,"y":2},"name":"A"}"#, ""));
    let moved = r#"{"size":{"x":3,"y":4},"name":"A"}"#;
    decided(&mut snapshot, &push_of("products", "till-1", moved, r#","base_version":1"#));
    let same = r#"{"size": { "\u0079": 4, "x": 3 },"name":"B"}"#;
    let plan = decided(&mut snapshot, &push_of("products", "till-2", same, r#","base_version":1"#));
    let Outcome::Applied { stored, .. } = &plan.outcomes[0] else { panic!("{:?}", plan.outcomes) };
    assert!(stored.is_none(), "the till has what is stored");
    assert_eq!(snapshot.records.values().next().unwrap().data.as_str(), same);
}

#[test]
fn an_escaped_state_moves_and_an_escaped_delta_is_added() {
    let mut snapshot = Snapshot::default();
    decided(&mut snapshot, &push_of("shifts", "till-1", r#"{"status":"open"}"#, ""));
    let closed =
        push_of("shifts", "till-1", r#"{"\u0073tatus":"\u0063losed"}"#, r#","fields":["st\u0061tus"]"#);
    assert_eq!(version(&decided(&mut snapshot, &closed).outcomes[0]), 2);
    let mut snapshot = Snapshot::default();
    decided(&mut snapshot, &push_of("product_stock", "till-1", r#"{"quantity":5,"shelf":"A"}"#, ""));
    let delta = push_of("product_stock", "till-2", r#"{"quantit\u0079":{"\u0024delta":"-\u0032"}}"#, "");
    assert_eq!(stored(&decided(&mut snapshot, &delta).outcomes[0]), r#"{"quantity":3,"shelf":"A"}"#);
}

/// A spelling of the object with these members; `choices` decides on order, white space and escapes.
fn spell(members: &[(&str, &str)], choices: u64) -> String {
    let mut members: Vec<_> = members.to_vec();
    if choices & 1 == 1 {
        members.reverse();
    }
    let space = if choices & 2 == 2 { " \n" } else { "" };
    let letter = |c: char| match choices & 4 {
        4 if c.is_ascii_lowercase() && c != 'u' => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    let escaped = |text: &str| text.chars().map(letter).collect::<String>();
    let member = |(name, value): (&str, &str)| {
        // Nothing but texts and objects has letters in these values.
        format!(
            "{space}\"{}\"{space}:{space}{}",
            escaped(name),
            escaped(value).replace(',', &format!("{space},"))
        )
    };
    format!("{{{}{space}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
}

const VALUES: [&str; 8] = [
    "1.10",
    "1.1",
    r#""a""#,
    r#""open""#,
    r#""closed""#,
    r#"{"a":1,"b":["c"]}"#,
    r#"{"$delta":"1"}"#,
    r#"{"$delta":"x"}"#,
];

/// Table, till, members as positions of name and value, base version and the position of a named field.
type AnyWrite = (usize, u8, Vec<(usize, usize)>, Option<u64>, Option<usize>);

fn any_write() -> impl Strategy<Value = AnyWrite> {
    let members = prop::collection::btree_map(0..4_usize, 0..VALUES.len(), 0..4);
    (0..5_usize, 0..2_u8, members, prop::option::of(0..5_u64), prop::option::of(0..4_usize)).prop_map(
        |(table, till, members, base, field)| (table, till, members.into_iter().collect(), base, field),
    )
}

proptest! {
    /// Two rooms receive the same writes, one of them in other spellings: all outcomes are the same, and so
    /// are the records.
    #[test]
    fn no_outcome_depends_on_the_spelling(
        writes in prop::collection::vec((any_write(), any::<u64>()), 1..14),
    ) {
        const TABLES: [&str; 5] = ["products", "product_stock", "shifts", "invoices", "payment_methods"];
        const NAMES: [&str; 4] = ["name", "quantity", "status", "note"];
        let (mut plain, mut other) = (Snapshot::default(), Snapshot::default());
        for ((table, till, members, base, field), choices) in writes {
            let members: Vec<_> = members.iter().map(|&(name, value)| (NAMES[name], VALUES[value])).collect();
            let base = base.map_or_else(String::new, |base| format!(r#","base_version":{base}"#));
            let fields = field.map_or_else(String::new, |field| format!(r#","fields":["{}"]"#, NAMES[field]));
            let send = |snapshot: &mut Snapshot, choices| {
                let data = spell(&members, choices);
                let push = push_of(TABLES[table], &format!("till-{till}"), &data, &format!("{base}{fields}"));
                let plan = decided(snapshot, &push);
                Marker::new(BatchHash::exact([0; 32]), plan.prev, plan.stamp(), &plan.outcomes).codes
            };
            prop_assert_eq!(send(&mut plain, 0), send(&mut other, choices));
            prop_assert_eq!(&plain.records, &other.records);
        }
    }
}
