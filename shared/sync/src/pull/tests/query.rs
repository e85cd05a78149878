//! Queries of pulls by role.

use crate::cursor::Cursor;
use crate::cursor::vector::Vector;
use crate::pull::query::{ClientStart, Pull, RoomPull, RoomStart};
use crate::tables::Tables;
use protocol::claims::{AUDIENCE, Claims, ISSUER};
use protocol::error::ErrorCode;
use protocol::limits::PULL_LIMIT_DEFAULT;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;

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
    let tables = Tables::built_in().unwrap();
    Pull::parse(&tables, claims, pairs.iter().copied()).map_err(|error| error.code)
}

pub(super) fn cashier(pairs: &[(&str, &str)]) -> Result<RoomPull, ErrorCode> {
    match parse(&claims(Role::Cashier, Some("2")), pairs)? {
        Pull::Room(pull) => Ok(pull),
        Pull::Client(_) => panic!("a cashier asked for all rooms"),
    }
}

fn head_office(pairs: &[(&str, &str)]) -> Result<Pull, ErrorCode> {
    parse(&claims(Role::SuperAdmin, None), pairs)
}

#[test]
fn every_parameter_is_parsed_and_bad_ones_are_refused() {
    let all = cashier(&[
        ("since", "5"),
        ("cursor", "v1.7"),
        ("tables", "products,customers"),
        ("limit", "1000"),
        ("min", "v1.3"),
    ]);
    let all = all.unwrap();
    assert_eq!((all.start, all.window.limit, all.min), (RoomStart::Cursor(Stamp(7)), 1000, Stamp(3)));
    assert_eq!((all.window.tables.len(), all.room.to_string()), (2, "1:2".into()));
    assert_eq!(
        cashier(&[("since", "1970-01-01T00:00:01Z")]).unwrap().start,
        RoomStart::Time(Timestamp(1_000_000))
    );
    assert_eq!(cashier(&[("newer", "x"), ("since", "")]).unwrap().window.limit, PULL_LIMIT_DEFAULT);
    assert!(matches!(cashier(&[("cursor", "s1.1.2.")]).unwrap().start, RoomStart::Walk(_)));
    let bad = [
        ("since", "yesterday", ErrorCode::BadSince),
        ("since", "-1", ErrorCode::BadSince),
        ("cursor", "abc", ErrorCode::BadCursor),
        ("cursor", "v2.AA", ErrorCode::BadCursor),
        ("limit", "0", ErrorCode::BadLimit),
        ("limit", "1001", ErrorCode::BadLimit),
        ("limit", "ten", ErrorCode::BadLimit),
        ("min", "soon", ErrorCode::BadMin),
        ("min", "s1.1.2.", ErrorCode::BadMin),
        ("tables", "products,nonsense", ErrorCode::UnknownTable),
        ("branch_id", "2", ErrorCode::BranchForbidden),
        ("branch_id", "a#b", ErrorCode::BadRequest),
    ];
    for (name, value, code) in bad {
        assert_eq!(cashier(&[(name, value)]).unwrap_err(), code, "{name}={value}");
    }
    assert_eq!(parse(&claims(Role::Manager, None), &[]).unwrap_err(), ErrorCode::BranchRequired);
}

#[test]
fn head_office_pulls_one_branch_or_all() {
    let Ok(Pull::Room(one)) = head_office(&[("branch_id", "7"), ("cursor", "v1.5"), ("min", "3")]) else {
        panic!("not one room")
    };
    assert_eq!((one.room.to_string(), one.start), ("1:7".into(), RoomStart::Cursor(Stamp(5))));
    let starts = [
        (None, ClientStart::Vector(Vector::default())),
        (Some(("since", "5")), ClientStart::Time(Timestamp(5))),
        (Some(("since", "1970-01-01T00:00:01Z")), ClientStart::Time(Timestamp(1_000_000))),
        (Some(("cursor", "v2.AA")), ClientStart::Vector(Vector::default())),
    ];
    for (pair, expected) in starts {
        let Ok(Pull::Client(all)) = head_office(&Vec::from_iter(pair)) else { panic!("not all rooms") };
        assert_eq!((all.client.as_str(), all.start), ("1", expected));
    }
    for (pair, code) in [
        (("cursor", "v1.5"), ErrorCode::BadCursor),
        (("cursor", "s1.1.2."), ErrorCode::BadCursor),
        (("min", "5"), ErrorCode::BadMin),
    ] {
        assert_eq!(head_office(&[pair]).unwrap_err(), code, "{pair:?}");
    }
    let vector = Cursor::Vector(Vector::default()).to_string();
    assert_eq!(head_office(&[("branch_id", "7"), ("cursor", &vector)]).unwrap_err(), ErrorCode::BadCursor);
}
