use proptest::prelude::*;

use super::vector::{BranchPosition, Tag};
use super::*;
use crate::limits::CURSOR_KEY_BYTES_MAX;
use protocol::limits::{HEAD_OFFICE_BRANCHES_MAX, RECORD_ID_BYTES_MAX};
use protocol::record::RecordKey;
use protocol::timestamp::Timestamp;

fn key(table: &str, id: &str) -> RecordKey {
    RecordKey { table: table.into(), id: id.into() }
}

fn tag(branch: &str) -> Tag {
    Tag::of(&branch.parse().unwrap())
}

fn walk(after: Option<RecordKey>) -> Walk {
    Walk { noted: Stamp(1_765_103_400_000_145), started: Timestamp(1_765_103_500_000_000), after }
}

fn largest() -> Vector {
    let key = key(&"t".repeat(64), &"x".repeat(RECORD_ID_BYTES_MAX));
    let stamp = Timestamp::MAX.0;
    let walk = Walk { noted: Stamp(stamp), started: Timestamp(stamp), after: Some(key) };
    let positions = (0..HEAD_OFFICE_BRANCHES_MAX)
        .map(|i| (tag(&format!("b{i}")), BranchPosition::Position(Stamp(stamp))));
    Vector { served: Some(tag("b1")), walk: Some((tag("b2"), walk)), positions: positions.collect() }
}

#[test]
fn the_exact_texts_are_pinned() {
    let positions = [
        (tag("1"), BranchPosition::Position(Stamp(1_765_103_400_000_145))),
        (tag("2"), BranchPosition::Time(Timestamp(1_765_103_400_000_000))),
    ];
    let vector = Vector { served: Some(tag("1")), walk: None, positions: positions.into() };
    let walking = Vector { walk: Some((tag("2"), walk(Some(key("products", "a#b"))))), ..vector.clone() };
    // The fixture of a snapshot page in `protocol::wire` has this cursor and this id.
    let short = Walk { noted: Stamp(9), started: Timestamp(11), after: None };
    assert_eq!(short.snapshot_id(), "9-11");
    let cases = [
        (Cursor::Position(Stamp(1_765_103_400_000_145)), "v1.1765103400000145"),
        (Cursor::Walk(walk(None)), "s1.1765103400000145.1765103500000000."),
        (Cursor::Walk(short), "s1.9.11."),
        (
            Cursor::Walk(walk(Some(key("products", "a#b")))),
            "s1.1765103400000145.1765103500000000.cHJvZHVjdHMjYSNi",
        ),
        (Cursor::Vector(Vector::default()), "v2.AA"),
        (Cursor::Vector(vector), "v2.AWuGsnP_NGuGsnP_NAZFWikmGpHUc146Jl6GRVopJhoA"),
        (
            Cursor::Vector(walking),
            "v2.A2uGsnP_NNRzXjomXgZFWikmGpEGRVovG_sAAAxwcm9kdWN0cyNhI2JrhrJz_zQGRVopJhqR1HNeOiZehkVaKSYaAA",
        ),
    ];
    for (cursor, text) in cases {
        assert_eq!(cursor.to_string(), text);
        assert_eq!(text.parse(), Ok(cursor));
    }
}

#[test]
fn a_cursor_of_two_hundred_branches_fits_a_query() {
    let text = Cursor::Vector(largest()).to_string();
    assert!(text.len() <= CURSOR_BYTES_MAX, "{}", text.len());
    let query = format!("cursor={text}&limit=1000&tables=invoices,products");
    assert!(query.len() <= 4 * 1024, "{}", query.len());
    assert_eq!(text.parse(), Ok(Cursor::Vector(largest())));
    let mut more = largest();
    more.positions.insert(tag("one_more"), BranchPosition::Position(Stamp(1)));
    assert_eq!(Cursor::Vector(more).to_string().parse::<Cursor>(), Err(NotACursor));
}

#[test]
fn texts_that_are_no_cursor_are_refused() {
    let encode = |bytes: &[u8]| format!("v2.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let key = |text: &str| format!("s1.1.2.{}", BASE64_URL_SAFE_NO_PAD.encode(text));
    let entry = [1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 9];
    let beyond = [1, 2, 3, 4, 5, 6, 0x60, 0, 0, 0, 0, 0, 9];
    let texts = [
        "s1.".into(),
        "s1.1.2".into(),
        "s1.1.x.".into(),
        "s1.9999999999999999.2.".into(),
        "s1.1.2.=".into(),
        "s1.1.2.cHJvZHVjdHM".into(),
        key("no table"),
        key("#p1"),
        key("PRODUCTS#p1"),
        key("products#"),
        key("products#a\nb"),
        key(&format!("products#{}", "x".repeat(CURSOR_KEY_BYTES_MAX))),
        "v2.".into(),
        "v2.AA==".into(),
        "v2.!".into(),
        encode(&[4]),
        encode(&[1, 2, 3]),
        encode(&[0, 1, 2, 3]),
        encode(&[&[0][..], &entry, &entry].concat()),
        encode(&[&[0][..], &beyond].concat()),
        encode(&[2, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 65]),
        format!("v1.{}", "0".repeat(CURSOR_BYTES_MAX)),
        "v3.AA".into(),
    ];
    for text in texts {
        assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
    }
}

fn any_walk() -> impl Strategy<Value = Walk> {
    let after = prop::option::of(("[a-z0-9_]{1,64}", "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,60}"));
    (0..Timestamp::MAX.0, 0..Timestamp::MAX.0, after).prop_map(|(noted, started, after)| Walk {
        noted: Stamp(noted),
        started: Timestamp(started),
        after: after.map(|(table, id)| RecordKey { table, id }),
    })
}

fn any_vector() -> impl Strategy<Value = Vector> {
    let tag = || "[a-z]{1,3}".prop_map(|branch| Tag::of(&branch.parse().unwrap()));
    let place = (0..Timestamp::MAX.0, any::<bool>()).prop_map(|(value, time)| match time {
        true => BranchPosition::Time(Timestamp(value)),
        false => BranchPosition::Position(Stamp(value)),
    });
    let positions = prop::collection::btree_map(tag(), place, 0..HEAD_OFFICE_BRANCHES_MAX);
    (prop::option::of(tag()), prop::option::of((tag(), any_walk())), positions)
        .prop_map(|(served, walk, positions)| Vector { served, walk, positions })
}

proptest! {
    #[test]
    fn a_walk_reads_back(walk in any_walk()) {
        let cursor = Cursor::Walk(walk);
        prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn a_vector_reads_back_within_the_size_limit(vector in any_vector()) {
        let cursor = Cursor::Vector(vector);
        let text = cursor.to_string();
        prop_assert!(text.len() <= CURSOR_BYTES_MAX);
        prop_assert_eq!(text.parse(), Ok(cursor));
    }

    #[test]
    fn every_cursor_has_one_text(text in "(v1|s1|v2)\\.[0-9A-Za-z_.-]{0,80}") {
        // Except positions and walks, which may have leading zeros.
        if let Ok(cursor) = text.parse::<Cursor>() && !matches!(cursor, Cursor::Position(_) | Cursor::Walk(_)) {
            prop_assert_eq!(cursor.to_string(), text);
        }
    }
}
