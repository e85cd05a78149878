mod checkpoints;

use proptest::prelude::*;

use super::vector::{BranchPosition, Others, Tag};
use super::*;
use crate::limits::{CURSOR_KEY_BYTES_MAX, CURSOR_POSITIONS_MAX};
use crate::tests::{cursor_keys, of_room};
use protocol::record::RecordKey;
use protocol::room_cursor::RoomCursor;
use protocol::timestamp::Timestamp;

const TABLES: TablesDigest = TablesDigest([1, 2, 3, 4, 5, 6, 7, 8]);

fn key(table: &str, id: &str) -> RecordKey {
    RecordKey { table: table.into(), id: id.into() }
}

fn tag(branch: &str) -> Tag {
    Tag::of(&branch.parse().unwrap())
}

fn walk(after: Option<RecordKey>) -> Walk {
    let (noted, skipped) = (Stamp(1_765_103_400_000_145), Some(Stamp(1_765_103_400_000_150)));
    Walk { noted, started: Timestamp(1_765_103_500_000_000), skipped, after }
}

fn cursor(place: Location) -> Cursor {
    Cursor { place, tables: Some(TABLES) }
}

fn text(keys: &CursorKeys, place: &Location) -> String {
    match place {
        Location::Position(position) => position_text(*position, TABLES),
        Location::Walk(walk) => of_room(keys).walk_text(walk, TABLES),
        Location::Vector(vector) => of_room(keys).vector(vector, None, TABLES).text,
        Location::LostWalk => unreachable!("it is only read"),
    }
}

#[test]
fn the_edge_reads_what_it_must_know_of_a_cursor() {
    let keys = cursor_keys(&["a"]);
    let at = |through| Location::Position(Position { stamp: Stamp(5), through });
    let shown = TABLES.to_string();
    let position = RoomCursor { stamp: Some(Stamp(5)), tables: &shown, is_tail: false };
    for (place, expected) in [
        (at(None), position),
        (at(Some(Stamp(9))), RoomCursor { is_tail: true, ..position }),
        (Location::Walk(walk(Some(key("products", "p1")))), RoomCursor { stamp: None, ..position }),
    ] {
        assert_eq!(RoomCursor::read(&text(&keys, &place)), Some(expected));
    }
}

#[test]
fn the_exact_texts_are_pinned() {
    let positions = [
        (tag("1"), BranchPosition::Position(Stamp(1_765_103_400_000_145))),
        (tag("2"), BranchPosition::Time(Timestamp(1_765_103_400_000_000))),
        (tag("3"), BranchPosition::Reset),
    ];
    let vector = Vector { served: Some(tag("1")), positions: positions.into(), ..Vector::default() };
    let walking = Vector {
        walk: Some((tag("2"), walk(Some(key("products", "a#b"))))),
        tail: Some((tag("1"), Stamp(9))),
        ..vector.clone()
    };
    let checking = Vector { checked: Some(tag("3")), ..Vector::default() };
    let stamp = Stamp(1_765_103_400_000_145);
    let tail = Position { stamp, through: Some(Stamp(1_765_103_400_000_150)) };
    let keys = cursor_keys(&["a"]);
    let cases = [
        (Location::Position(stamp.into()), "p1.1765103400000145.AQIDBAUGBwg"),
        (Location::Position(tail), "p1.1765103400000145.AQIDBAUGBwg.1765103400000150"),
        (Location::Walk(walk(None)), "w1.AQIDBAUGBwg.a.mqjzUE6XfXkGuZUvEHBRp43-SeANIce1ZWrw7j8h9ABMXAMXbg"),
        (
            Location::Walk(walk(Some(key("products", "a#b")))),
            "w1.AQIDBAUGBwg.a.BUD7STT6VVZvak_DGiCm-V4Gk_R9f0mGsKtwif_VyC5Dl_u_8gjyHtu63rQ8Y8q6Cg",
        ),
        (Location::Vector(Vector::default()), "h1.AAECAwQFBgcI"),
        (
            Location::Vector(vector),
            "h1.AQECAwQFBgcIa4ayc_80TgdAhWK-f________2uGsnP_NAZFWikmGpHUc146Jl6GRVopJhoA",
        ),
        (Location::Vector(checking), "h1.AAECAwQFBgcI________AE4HQIVivg"),
        (
            Location::Vector(walking),
            "h1.BwECAwQFBgcIa4ayc_801HNeOiZeAWEAMSydG4ai9QR0LUNcXb3qvxD4CxNbA3WTnegeNDloVU3MvMR_JYOVE3Tn7v9CYwh0tBJrhrJz_zQAAAAAAAAJTgdAhWK-f________2uGsnP_NAZFWikmGpHUc146Jl6GRVopJhoA",
        ),
    ];
    for (place, expected) in cases {
        assert_eq!(text(&keys, &place), expected);
        assert_eq!(of_room(&keys).read(expected), Ok(cursor(place)));
    }
}

#[test]
fn cursors_of_an_older_server_are_readable() {
    let (keys, old) = (cursor_keys(&["a"]), |place| Ok(Cursor { place, tables: None }));
    let read = |text: &str| of_room(&keys).read(text);
    assert_eq!(read("v1.1765103400000145"), old(Location::Position(Stamp(1_765_103_400_000_145).into())));
    for walk in ["s1.9.11.", "s1.1765103400000145.1765103500000000.cHJvZHVjdHMjYSNi"] {
        assert_eq!(read(walk), old(Location::LostWalk));
    }
    let positions = [
        (tag("1"), BranchPosition::Position(Stamp(1_765_103_400_000_145))),
        (tag("2"), BranchPosition::Time(Timestamp(1_765_103_400_000_000))),
    ];
    let mut vector = Vector { served: Some(tag("1")), positions: positions.into(), ..Vector::default() };
    assert_eq!(read("v2.AA"), old(Location::Vector(Vector::default())));
    assert_eq!(
        read("v2.AWuGsnP_NGuGsnP_NAZFWikmGpHUc146Jl6GRVopJhoA"),
        old(Location::Vector(vector.clone()))
    );
    // With an unfinished snapshot of branch 2, which begins again.
    vector.positions.insert(tag("2"), BranchPosition::Reset);
    let walking =
        "v2.A2uGsnP_NNRzXjomXgZFWikmGpEGRVovG_sAAAxwcm9kdWN0cyNhI2JrhrJz_zQGRVopJhqR1HNeOiZehkVaKSYaAA";
    assert_eq!(read(walking), old(Location::Vector(vector)));
}

#[test]
fn texts_that_are_no_cursor_are_refused() {
    let encode = |bytes: &[u8]| format!("h1.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let old = |bytes: &[u8]| format!("v2.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let keys = cursor_keys(&["a"]);
    let head = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    let sealed = |bytes: &[u8]| {
        let sealed = keys.seal(&format!("w1.{TABLES}"), "1:2", bytes);
        format!("w1.{TABLES}.a.{}", BASE64_URL_SAFE_NO_PAD.encode(sealed.bytes))
    };
    let numbers = walk(None).to_bytes();
    let after = |key: &str| sealed(&[&numbers[..], key.as_bytes()].concat());
    let entry = [1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 9];
    let beyond = [1, 2, 3, 4, 5, 6, 0x60, 0, 0, 0, 0, 0, 9];
    let texts = [
        "".into(),
        "abc".into(),
        "p1.".into(),
        "p1.5".into(),
        "p1.5.".into(),
        "p1.5.AQIDBAUGBw".into(),
        "p1.-5.AQIDBAUGBwg".into(),
        "p1.9999999999999999.AQIDBAUGBwg".into(),
        "p1.5.AQIDBAUGBwg.".into(),
        "p1.5.AQIDBAUGBwg.5".into(),
        "p0.5.AQIDBAUGBwg".into(),
        "p02.5".into(),
        "px.5".into(),
        "x2.5".into(),
        "s1.".into(),
        "s1.1.2".into(),
        "s1.1.x.".into(),
        "s1.9999999999999999.2.".into(),
        "s1.1.2.=".into(),
        "w1.".into(),
        format!("w1.{TABLES}.a."),
        format!("w1.{TABLES}.a.AAAA"),
        sealed(&[]),
        sealed(&numbers[1..]),
        sealed(&[&[0xff][..], &numbers[1..]].concat()),
        after("products"),
        after("no table"),
        after("#p1"),
        after("PRODUCTS#p1"),
        after("products#"),
        after("products#a\nb"),
        after(&format!("products#{}", "x".repeat(CURSOR_KEY_BYTES_MAX))),
        "h1.".into(),
        "h1.AAECAwQFBgcI=".into(),
        encode(&[&[8][..], &head[1..]].concat()),
        encode(&[&[1][..], &head[1..], &[1, 2]].concat()),
        encode(&[&head[..], &[1, 2, 3]].concat()),
        encode(&[&head[..], &entry, &entry].concat()),
        encode(&[&head[..], &beyond].concat()),
        encode(&[&[2][..], &head[1..], &[1, 2, 3, 4, 5, 6, 1, b'a', 0, 2, 9, 9]].concat()),
        encode(&[&[4][..], &head[1..], &[1, 2, 3, 4, 5, 6, 0, 0]].concat()),
        "v2.".into(),
        "v2.AA==".into(),
        old(&[4]),
        old(&[1, 2, 3]),
        old(&[&[0][..], &entry, &entry].concat()),
        old(&[2, 1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 65]),
        format!("v1.{}", "0".repeat(CURSOR_BYTES_MAX)),
    ];
    for text in texts {
        assert_eq!(of_room(&keys).read(&text), Err(CursorError::NotACursor), "{text}");
        assert_eq!(parse_position(&text), Err(CursorError::NotACursor), "{text}");
    }
}

#[test]
fn texts_of_a_newer_server_are_told_from_no_cursor() {
    let keys = cursor_keys(&["a"]);
    for text in ["p2.5.x", "p99.", "w2.AA", "h3.AA", "v3.AA", "s2.1", "d2.1"] {
        assert_eq!(of_room(&keys).read(text), Err(CursorError::Newer), "{text}");
        assert_eq!(parse_position(text), Err(CursorError::Newer), "{text}");
    }
}

#[test]
fn a_walk_shows_no_record_and_opens_for_its_tenant_with_any_key_that_is_still_configured() {
    let (old, both, new) = (cursor_keys(&["a"]), cursor_keys(&["b", "a"]), cursor_keys(&["b"]));
    let walk = walk(Some(key("employee_advances", "anna")));
    let text = of_room(&old).walk_text(&walk, TABLES);
    for part in text.split('.') {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("employee") && !part.contains("employee"));
    }
    assert_eq!(of_room(&old).walk_text(&walk, TABLES), text, "the same progress is the same text");
    assert_eq!(of_room(&both).read(&text), Ok(cursor(Location::Walk(walk.clone()))));
    assert_eq!(of_room(&new).read(&text), Ok(cursor(Location::LostWalk)));
    for scope in ["1:3", "2:2"] {
        assert_eq!(Cursors { keys: &old, scope }.read(&text), Err(CursorError::NotACursor));
    }
    let swapped = text.replace(&TABLES.to_string(), &TablesDigest([9; 8]).to_string());
    assert_eq!(of_room(&old).read(&swapped), Err(CursorError::NotACursor));
    // The same for head office, whose other positions stay.
    let vector = Vector { walk: Some((tag("1"), walk)), ..Vector::default() };
    let text = of_room(&old).vector(&vector, None, TABLES).text;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text[3..]).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("employee"));
    assert_eq!(of_room(&both).read(&text), Ok(cursor(Location::Vector(vector))));
    let lost = Vector { positions: [(tag("1"), BranchPosition::Reset)].into(), ..Vector::default() };
    assert_eq!(of_room(&new).read(&text), Ok(cursor(Location::Vector(lost))));
    assert_eq!(Cursors { keys: &old, scope: "2" }.read(&text), Err(CursorError::NotACursor));
}

fn any_walk() -> impl Strategy<Value = Walk> {
    let after = prop::option::of(("[a-z0-9_]{1,64}", "[^\u{0}-\u{1f}\u{7f}-\u{9f}]{1,60}"));
    let more = prop::option::of(1..Timestamp::MAX.0 / 2);
    let stamps = (0..Timestamp::MAX.0 / 2, 0..Timestamp::MAX.0, more);
    (stamps, after).prop_map(|((noted, started, more), after)| Walk {
        noted: Stamp(noted),
        started: Timestamp(started),
        skipped: more.map(|more| Stamp(noted + more)),
        after: after.map(|(table, id)| RecordKey { table, id }),
    })
}

fn any_vector() -> impl Strategy<Value = Vector> {
    let tag = || "[a-z]{1,3}".prop_map(|branch| Tag::of(&branch.parse().unwrap()));
    let place = (0..Timestamp::MAX.0, 0..3).prop_map(|(value, kind)| match kind {
        0 => BranchPosition::Time(Timestamp(value)),
        1 => BranchPosition::Reset,
        _ => BranchPosition::Position(Stamp(value)),
    });
    let positions = prop::collection::btree_map(tag(), place, 0..CURSOR_POSITIONS_MAX);
    let tail = prop::option::of((tag(), (0..Timestamp::MAX.0).prop_map(Stamp)));
    let others = Others::Beginning;
    (prop::option::of(tag()), prop::option::of((tag(), any_walk())), tail, prop::option::of(tag()), positions)
        .prop_map(move |(served, walk, tail, checked, positions)| Vector {
            served,
            walk,
            tail,
            checked,
            positions,
            others,
        })
}

proptest! {
    #[test]
    fn a_position_reads_back(stamp in 0..Timestamp::MAX.0, more in prop::option::of(1..1_000_000_u64)) {
        let through = more.map(|more| Stamp(stamp + more)).filter(|through| through.0 <= Timestamp::MAX.0);
        let place = Location::Position(Position { stamp: Stamp(stamp), through });
        let keys = cursor_keys(&["a"]);
        let text = text(&keys, &place);
        prop_assert_eq!(parse_position(&text), Ok(Stamp(stamp)));
        prop_assert_eq!(of_room(&keys).read(&text), Ok(cursor(place)));
    }

    #[test]
    fn a_walk_reads_back(walk in any_walk()) {
        let (keys, place) = (cursor_keys(&["a"]), Location::Walk(walk));
        prop_assert_eq!(of_room(&keys).read(&text(&keys, &place)), Ok(cursor(place)));
    }

    #[test]
    fn a_vector_reads_back_within_the_size_limit(vector in any_vector()) {
        let (keys, place) = (cursor_keys(&["a"]), Location::Vector(vector));
        let text = text(&keys, &place);
        prop_assert!(text.len() <= CURSOR_BYTES_MAX);
        prop_assert_eq!(of_room(&keys).read(&text), Ok(cursor(place)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(p1|w1|h1|h2|v1|s1|v2|p7)\\.[0-9A-Za-z_.-]{0,80}") {
        let keys = cursor_keys(&["a"]);
        if let Ok(Cursor { place: place @ Location::Vector(_), tables: Some(tables) }) = of_room(&keys).read(&text) {
            let Location::Vector(vector) = place else { unreachable!() };
            prop_assert_eq!(of_room(&keys).vector(&vector, None, tables).text, text);
        }
    }
}
