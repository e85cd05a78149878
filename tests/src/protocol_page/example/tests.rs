use serde_json::json;

use super::*;

fn page() -> Value {
    json!({
        "applied": [{ "record_id": "p1", "stamp": 1_765_103_401_000_123_u64,
                      "server_updated_at": "2025-12-07T10:30:01.000123Z" }],
        "prev": 0, "cursor": "p1.1765103401000123.AQIDBAUGBwg", "message": "Send less…", "tables": ["a", "…"],
    })
}

fn server() -> Value {
    json!({
        "applied": [{ "record_id": "p1", "stamp": 1_800_000_000_000_001_u64,
                      "server_updated_at": "2027-01-15T08:00:00.000001Z" }],
        "prev": 0, "cursor": "p1.1800000000000001.CAcGBQQDAgE", "message": "Send less, please.", "tables": ["a", "b"],
    })
}

#[test]
fn values_of_the_server_are_placeholders_and_the_rest_is_literal() {
    Placeholders::default().compare(&page(), &server()).unwrap();
    let changes = [
        ("/applied/0/record_id", json!("p2")),
        ("/applied/0", json!({ "record_id": "p1" })),
        ("/applied/0/stamp", json!("1800000000000001")),
        ("/applied/0/stamp", json!(1_800_000_000_000_002_u64)),
        ("/applied/0/server_updated_at", json!("2027-01-15T08:00:00.000002Z")),
        ("/applied/0/server_updated_at", json!("2027-01-15T08:00:00Z")),
        ("/applied/0/server_updated_at", Value::Null),
        ("/applied", json!([])),
        ("/prev", json!(7)),
        ("/cursor", json!("v1.1800000000000001")),
        ("/cursor", json!("p1.1800000000000002.CAcGBQQDAgE")),
        ("/message", json!("Go away.")),
        ("/tables", json!([])),
        ("/tables/0", json!("b")),
    ];
    for (place, value) in changes {
        let mut changed = server();
        *changed.pointer_mut(place).unwrap() = value;
        assert!(Placeholders::default().compare(&page(), &changed).is_err(), "{place}");
        let mut changed = page();
        changed["applied"][0].as_object_mut().unwrap().remove("stamp");
        assert!(Placeholders::default().compare(&changed, &server()).is_err(), "the page lacks a member");
    }
}

#[test]
fn a_placeholder_stands_for_one_value_through_the_whole_page() {
    let mut examples = Placeholders::default();
    examples.compare(&page(), &server()).unwrap();
    for (shown, real) in [(1_765_103_401_000_123_u64, 5), (1_765_103_409_000_000, 1_800_000_000_000_001_u64)]
    {
        assert!(examples.compare(&json!({ "stamp": shown }), &json!({ "stamp": real })).is_err(), "{shown}");
    }
    let real = json!({ "id": "x", "skew_millis": -9 });
    examples.compare(&json!({ "id": "d1", "skew_millis": 3 }), &real).unwrap();
}

#[test]
fn a_request_is_sent_with_real_values() {
    let mut examples = Placeholders::default();
    examples.compare(&page(), &server()).unwrap();
    examples.learn("ab", "cd").unwrap();
    assert_eq!(
        examples.real("/pull?ab=é&cursor=p1.1765103401000123.AQIDBAUGBwg&since=2025-12-07T10:30:01.000123Z"),
        "/pull?ab=é&cursor=p1.1800000000000001.CAcGBQQDAgE&since=2027-01-15T08:00:00.000001Z"
    );
}
