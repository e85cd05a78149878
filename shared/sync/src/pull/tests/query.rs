//! Queries of pulls by role.

use crate::cursor::vector::{BranchPosition, Tag, Vector};
use crate::cursor::walk::Walk;
use crate::cursor::{Cursors, Position, position_text};
use crate::pull::query::{ClientStart, Pull, RoomPull, RoomStart};
use crate::tables::Tables;
use crate::tests::{cursor_keys, of_room, rules};
use protocol::claims::{AUDIENCE, Claims, ISSUER};
use protocol::error::ErrorCode;
use protocol::limits::PULL_LIMIT_DEFAULT;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::{DAY_SECS, Timestamp};

fn claims(role: Role, branch: Option<&str>) -> Claims {
    Claims {
        sub: "u1".into(),
        client_id: "1".parse().unwrap(),
        branch_id: branch.map(|branch| branch.parse().unwrap()),
        role,
        device: None,
        sid: None,
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        exp: 0,
        iat: 0,
        jti: "j1".into(),
    }
}

fn parse(claims: &Claims, pairs: &[(&str, &str)]) -> Result<Pull, ErrorCode> {
    let keys = cursor_keys(&["a"]);
    Pull::parse(&rules().tables, &keys, claims, pairs.iter().copied()).map_err(|error| error.code)
}

/// The cursor of a cashier at `stamp`, for all its tables.
pub(super) fn at(stamp: u64) -> String {
    position_text(Stamp(stamp).into(), rules().tables.digest_of(Role::Cashier))
}

pub(super) fn cashier(pairs: &[(&str, &str)]) -> Result<RoomPull, ErrorCode> {
    match parse(&claims(Role::Cashier, Some("2")), pairs)? {
        Pull::Room(pull) => Ok(pull),
        Pull::Client(_) => panic!("a cashier asked for all rooms"),
    }
}

pub(super) fn head_office(pairs: &[(&str, &str)]) -> Result<Pull, ErrorCode> {
    parse(&claims(Role::SuperAdmin, None), pairs)
}

#[test]
fn every_parameter_is_parsed_and_bad_ones_are_refused() {
    let all = cashier(&[
        ("since", "5"),
        ("cursor", &at(7)),
        ("tables", "products,customers"),
        ("limit", "1000"),
        ("min", "v1.3"),
    ]);
    let all = all.unwrap();
    assert_eq!(
        (all.start, all.selection.limit, all.min),
        (RoomStart::Position(Stamp(7).into()), 1000, Stamp(3))
    );
    assert_eq!((all.selection.tables.len(), all.room.to_string()), (2, "1:2".into()));
    assert_eq!(
        cashier(&[("since", "1970-01-01T00:00:01Z")]).unwrap().start,
        RoomStart::Time(Timestamp(1_000_000))
    );
    assert_eq!(cashier(&[("newer", "x"), ("since", "")]).unwrap().selection.limit, PULL_LIMIT_DEFAULT);
    assert_eq!(cashier(&[("min", &at(9))]).unwrap().min, Stamp(9));
    let bad = [
        ("since", "yesterday", ErrorCode::BadSince),
        ("since", "-1", ErrorCode::BadSince),
        ("cursor", "abc", ErrorCode::BadCursor),
        ("cursor", "v2.AA", ErrorCode::BadCursor),
        ("cursor", "p2.7.x", ErrorCode::Unavailable),
        ("cursor", "w9.", ErrorCode::Unavailable),
        ("min", "p2.7.x", ErrorCode::Unavailable),
        ("mode", "changes", ErrorCode::BadRequest),
        ("limit", "0", ErrorCode::BadLimit),
        ("limit", "1001", ErrorCode::BadLimit),
        ("limit", "ten", ErrorCode::BadLimit),
        ("min", "soon", ErrorCode::BadMin),
        ("min", "s1.1.2.", ErrorCode::BadMin),
        ("tables", "products,nonsense", ErrorCode::UnknownTable),
        ("branch_id", "3", ErrorCode::BranchForbidden),
        ("branch_id", "a#b", ErrorCode::BadRequest),
    ];
    for (name, value, code) in bad {
        assert_eq!(cashier(&[(name, value)]).unwrap_err(), code, "{name}={value}");
    }
    assert_eq!(parse(&claims(Role::Manager, None), &[]).unwrap_err(), ErrorCode::BranchRequired);
}

#[test]
fn a_till_that_has_moved_on_since_its_last_pull_continues_from_there() {
    let start = |pairs: &[(&str, &str)]| cashier(pairs).unwrap().start;
    let position = |stamp: u64| RoomStart::Position(Stamp(stamp).into());
    assert_eq!(start(&[("cursor", &at(7)), ("since", "9")]), position(9));
    assert_eq!(start(&[("since", "9"), ("cursor", &at(7))]), position(9));
    assert_eq!(start(&[("cursor", &at(7)), ("since", "5")]), position(7), "never back");
    assert_eq!(start(&[("cursor", &at(7)), ("since", "1970-01-01T00:00:01Z")]), position(7));
    // In a snapshot the till's own position does not count, and its tail has to be complete.
    let (tables, keys) = (rules().tables.digest_of(Role::Cashier), cursor_keys(&["a"]));
    let walk = Walk { noted: Stamp(5), started: Timestamp(6), skipped: Some(Stamp(8)), after: None };
    let text = of_room(&keys).walk_text(&walk, tables);
    assert_eq!(start(&[("cursor", &text), ("since", "9")]), RoomStart::Walk(walk));
    let tail = Position { stamp: Stamp(5), through: Some(Stamp(8)) };
    assert_eq!(start(&[("cursor", &position_text(tail, tables)), ("since", "9")]), RoomStart::Position(tail));
}

#[test]
fn a_lifted_window_continues_with_a_snapshot_and_once_only() {
    let text = "[a]\npolicy = \"manual\"\nwindow_days = 2\n[b]\npolicy = \"manual\"\nread = \"manager\"\n";
    let (tables, keys) = (Tables::parse(text).unwrap(), cursor_keys(&["a"]));
    let claims = claims(Role::Cashier, Some("2"));
    let parse = |pairs: &[(&str, &str)]| match Pull::parse(&tables, &keys, &claims, pairs.iter().copied()) {
        Ok(Pull::Room(pull)) => Ok(pull),
        Ok(Pull::Client(_)) => panic!("a cashier has one room"),
        Err(error) => Err(error.code),
    };
    let cursor = |pull: &RoomPull| position_text(Stamp(7).into(), pull.selection.digest);
    let (usual, whole) = (parse(&[]).unwrap(), parse(&[("whole", "a")]).unwrap());
    let start = |cursor: &str, whole: &str| parse(&[("cursor", cursor), ("whole", whole)]).unwrap().start;
    let at_seven = RoomStart::Position(Stamp(7).into());
    assert_eq!(start(&cursor(&usual), ""), at_seven);
    assert_eq!(start(&cursor(&usual), "a"), RoomStart::Reset, "the cursor of a push lifts nothing");
    assert_eq!(start(&cursor(&whole), "a"), at_seven);
    assert_eq!(start(&cursor(&whole), ""), RoomStart::Reset);
    let days = |secs: u64| Timestamp(secs * DAY_SECS * 1_000_000);
    let oldest = |pull: &RoomPull, table: &str| pull.selection.oldest(&tables, table, days(9));
    assert_eq!(oldest(&usual, "a"), Stamp(days(7).0));
    assert_eq!((oldest(&whole, "a"), oldest(&usual, "b")), (Stamp::ZERO, Stamp::ZERO));
    assert_eq!(parse(&[("whole", "b")]).unwrap_err(), ErrorCode::TableForbidden);
    assert_eq!(parse(&[("whole", "c")]).unwrap_err(), ErrorCode::UnknownTable);
}

#[test]
fn a_cursor_of_other_tables_continues_with_a_snapshot() {
    let cursor_of = |tables: &[&str]| position_text(Stamp(7).into(), rules().tables.digest(tables.to_vec()));
    let start = |cursor: &str, tables: &str| {
        cashier(&[("cursor", cursor), ("since", "9"), ("tables", tables)]).unwrap().start
    };
    let some = cursor_of(&["customers", "products"]);
    assert_eq!(start(&some, "products,customers"), RoomStart::Position(Stamp(9).into()));
    assert_eq!(start(&some, "products"), RoomStart::Reset);
    assert_eq!(start(&some, "products,customers,halls"), RoomStart::Reset);
    assert_eq!(start(&some, ""), RoomStart::Reset, "without `tables` it is all tables");
    // The cursor of a push is of all tables of the role, and good for any of them.
    assert_eq!(start(&at(7), "products"), RoomStart::Position(Stamp(9).into()));
    let of_a_manager = position_text(Stamp(7).into(), rules().tables.digest_of(Role::Manager));
    assert_eq!(start(&of_a_manager, ""), RoomStart::Reset);
    // Cursors of an older server do not say; `since` alone needs no digest.
    for old in ["v1.7", "s1.1.2.", "s1.1.2.cHJvZHVjdHMjYQ"] {
        assert_eq!(start(old, ""), RoomStart::Reset, "{old}");
    }
    assert_eq!(cashier(&[("since", "9")]).unwrap().start, RoomStart::Position(Stamp(9).into()));
}

#[test]
fn a_walk_of_another_tenant_or_with_a_changed_text_is_refused() {
    let (tables, keys) = (rules().tables.digest_of(Role::Cashier), cursor_keys(&["a"]));
    let walk = Walk { noted: Stamp(5), started: Timestamp(6), skipped: None, after: None };
    for scope in ["1:3", "2:2", "1"] {
        let text = Cursors { keys: &keys, scope }.walk_text(&walk, tables);
        assert_eq!(cashier(&[("cursor", &text)]).unwrap_err(), ErrorCode::BadCursor, "{scope}");
    }
    let mut text = of_room(&keys).walk_text(&walk, tables);
    assert!(cashier(&[("cursor", &text)]).is_ok());
    let last = if text.ends_with('A') { 'Q' } else { 'A' };
    text.pop();
    text.push(last);
    assert_eq!(cashier(&[("cursor", &text)]).unwrap_err(), ErrorCode::BadCursor);
    let unknown_key = of_room(&cursor_keys(&["b"])).walk_text(&walk, tables);
    assert_eq!(cashier(&[("cursor", &unknown_key)]).unwrap().start, RoomStart::Reset);
}

#[test]
fn head_office_pulls_one_branch_or_all() {
    let tables = rules().tables.digest_of(Role::SuperAdmin);
    let at_five = position_text(Stamp(5).into(), tables);
    let Ok(Pull::Room(one)) = head_office(&[("branch_id", "7"), ("cursor", &at_five), ("min", "3")]) else {
        panic!("not one room")
    };
    assert_eq!((one.room.to_string(), one.start), ("1:7".into(), RoomStart::Position(Stamp(5).into())));
    let keys = cursor_keys(&["a"]);
    let place = BranchPosition::Position(Stamp(9));
    let vector = Vector { positions: [(Tag::of(&"7".parse().unwrap()), place)].into(), ..Vector::default() };
    let mut reset = vector.clone();
    reset.reset();
    let text = Cursors { keys: &keys, scope: "1" }.vector(&vector, None, tables).text;
    let halls = rules().tables.digest(["halls"]);
    let other = Cursors { keys: &keys, scope: "1" }.vector(&vector, None, halls).text;
    // The same positions as an older server wrote them.
    let old = "v2.AHkCaZvkLAAAAAAAAAk";
    let starts = [
        (None, ClientStart::Vector(Vector::default())),
        (Some(("since", "5")), ClientStart::Time(Timestamp(5))),
        (Some(("since", "1970-01-01T00:00:01Z")), ClientStart::Time(Timestamp(1_000_000))),
        (Some(("cursor", "v2.AA")), ClientStart::Vector(Vector::default())),
        (Some(("cursor", &*text)), ClientStart::Vector(vector)),
        (Some(("cursor", &*other)), ClientStart::Vector(reset.clone())),
        (Some(("cursor", old)), ClientStart::Vector(reset)),
    ];
    for (pair, expected) in starts {
        let Ok(Pull::Client(all)) = head_office(&Vec::from_iter(pair)) else { panic!("not all rooms") };
        assert_eq!((all.client.as_str(), all.start), ("1", expected));
    }
    for (pair, code) in [
        (("cursor", "v1.5"), ErrorCode::BadCursor),
        (("cursor", &*at_five), ErrorCode::BadCursor),
        (("cursor", "s1.1.2."), ErrorCode::BadCursor),
        (("cursor", "h2.AA"), ErrorCode::BadCursor),
        (("cursor", "h3.AA"), ErrorCode::Unavailable),
        (("cursor", "v3.AA"), ErrorCode::Unavailable),
        (("cursor", "h1.AA"), ErrorCode::BadCursor),
        (("min", "5"), ErrorCode::BadMin),
    ] {
        assert_eq!(head_office(&[pair]).unwrap_err(), code, "{pair:?}");
    }
    for vector in [&*text, old] {
        let pairs = [("branch_id", "7"), ("cursor", vector)];
        assert_eq!(head_office(&pairs).unwrap_err(), ErrorCode::BadCursor);
    }
}
