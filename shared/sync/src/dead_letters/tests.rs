use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::tables::Tables;
use protocol::role::Role;
use protocol::wire::outcome::RejectionCode;

fn push(records: &[serde_json::Value]) -> Push {
    let body = json!({"device_id": "till-1", "batch_id": "b1", "records": records}).to_string();
    Push::parse(&Tables::built_in().unwrap(), Role::Cashier, body.as_bytes()).unwrap()
}

fn rejected(push: &Push) -> Vec<Letter> {
    let outcomes: Vec<Outcome> = push
        .records
        .iter()
        .map(|_| Outcome::Rejected(RejectionCode::UnknownTable.because("Not here.")))
        .collect();
    Letter::of(push, &outcomes)
}

#[test]
fn a_letter_keeps_the_record_to_the_byte() {
    let push = push(&[
        json!({"table_name": "nonsense", "record_id": "x", "data": {"n": 1}, "local_updated_at": "?"}),
    ]);
    let letters = rejected(&push);
    let items = items(&push, Stamp(7), Timestamp(7), &letters).unwrap();
    assert_eq!(super::letters(&items[0]).unwrap(), letters);
    assert_eq!((letters[0].table.as_deref(), letters[0].id.as_deref()), (Some("nonsense"), Some("x")));
    assert_eq!(letters[0].payload, Payload::Whole(push.records[0].raw.clone()));
}

#[test]
fn a_payload_with_over_64_kib_of_data_is_cut_with_its_size_and_hash() {
    let raw = |len: usize| JsonText::from_text(format!("\"{}\"", "ä".repeat(len))).unwrap();
    let whole = raw(DEAD_PAYLOAD_BYTES_MAX / 2 - 1);
    assert_eq!(Payload::of(&whole, RejectionCode::Forbidden), Payload::Whole(whole));
    let Payload::Cut { text, bytes, sha256 } =
        Payload::of(&raw(DEAD_PAYLOAD_BYTES_MAX / 2), RejectionCode::Forbidden)
    else {
        panic!()
    };
    assert_eq!((text.len(), bytes), (DEAD_PAYLOAD_BYTES_MAX - 1, DEAD_PAYLOAD_BYTES_MAX + 2));
    let large = raw(RECORD_BYTES_MAX / 2);
    assert!(matches!(Payload::of(&large, RejectionCode::RecordTooLarge), Payload::Cut { .. }));
    assert!(matches!(Payload::of(&large, RejectionCode::Forbidden), Payload::Whole(_)));
    assert_eq!(sha256, hex(&Sha256::digest(raw(DEAD_PAYLOAD_BYTES_MAX / 2).as_str().as_bytes())));
}

#[test]
fn ids_are_pinned_because_they_are_stored_and_sent() {
    let key = DeadKey { at: Stamp(1_765_103_400_000_145), batch: "0123456789abcdef".into(), part: 2 };
    let id = LetterId { key, index: 11 };
    assert_eq!(id.to_string(), "1765103400000145.0123456789abcdef.2.11");
    assert_eq!(id.to_string().parse(), Ok(id));
    for bad in [
        "",
        "1.0123456789abcdef.2.11",
        "1765103400000145.0123456789abcde#.2.11",
        "1765103400000145.0123456789abcdef.02.11",
        "1765103400000145.0123456789abcdef.2",
        "1765103400000145.0123456789abcdef.2.+1",
    ] {
        assert_eq!(bad.parse::<LetterId>(), Err(NotALetter), "{bad}");
    }
}

proptest! {
    #[test]
    fn items_hold_every_letter_and_none_is_too_large(sizes in prop::collection::vec(0..150_000_usize, 1..4)) {
        let records: Vec<_> = sizes.iter().map(|&size| json!({"table_name": "\"".repeat(size)})).collect();
        let push = push(&records);
        let letters = rejected(&push);
        let items = items(&push, Stamp(7), Timestamp(7), &letters).unwrap();
        let found: Vec<Letter> = items.iter().flat_map(|item| super::letters(item).unwrap()).collect();
        prop_assert_eq!(found, letters);
        prop_assert!(items.iter().all(|item| item.body.len() < LOG_ITEM_BYTES_MAX + 16 * 1024));
    }
}
