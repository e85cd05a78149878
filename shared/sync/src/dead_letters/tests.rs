use proptest::prelude::*;
use serde_json::json;

use super::page::{DeadLettersQuery, page};
use super::*;
use crate::dead_letter_id::{DeadLetterId, NotADeadLetterId};
use crate::decide::commit::CommitPlan;
use crate::decide::decide;
use crate::snapshot::Snapshot;
use protocol::limits::BATCH_BYTES_MAX;
use protocol::role::Role;
use protocol::wire::outcome::RejectionCode;

fn push(records: &[serde_json::Value]) -> Push {
    let body = json!({"device_id": "till-1", "batch_id": "b1", "records": records});
    crate::tests::push(Role::Cashier, &body)
}

fn rejected(push: &Push) -> Vec<DeadLetter> {
    let outcomes: Vec<Outcome> = push
        .records
        .iter()
        .map(|_| Outcome::Rejected(RejectionCode::UnknownTable.with_message("Not here.")))
        .collect();
    DeadLetter::of(push, &outcomes)
}

#[test]
fn a_dead_letter_keeps_the_exact_record() {
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
fn a_payload_over_the_limit_is_cut_and_keeps_size_and_hash() {
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
    assert_eq!(sha256, hex::encode(Sha256::digest(raw(DEAD_PAYLOAD_BYTES_MAX / 2).as_str())));
}

#[test]
fn the_exact_id_is_pinned() {
    let key = DeadLetterKey { at: Stamp(1_765_103_400_000_145), batch: "0123456789abcdef".into(), part: 2 };
    let id = DeadLetterId { key, index: 11 };
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
        assert_eq!(bad.parse::<DeadLetterId>(), Err(NotADeadLetterId), "{bad}");
    }
}

proptest! {
    #[test]
    fn items_hold_every_dead_letter_and_stay_below_the_limit(sizes in prop::collection::vec(0..150_000_usize, 1..4)) {
        let records: Vec<_> = sizes.iter().map(|&size| json!({"table_name": "\"".repeat(size)})).collect();
        let push = push(&records);
        let letters = rejected(&push);
        let items = items(&push, Stamp(7), Timestamp(7), &letters).unwrap();
        let found: Vec<DeadLetter> = items.iter().flat_map(|item| super::letters(item).unwrap()).collect();
        prop_assert_eq!(found, letters);
        prop_assert!(items.iter().all(|item| item.body.len() < LOG_ITEM_BYTES_MAX + 16 * 1024));
    }
}

#[test]
fn the_most_and_largest_rejected_records_fit_a_commit_and_their_list_a_lambda_response() {
    // Quotes double when they are escaped, so no text of this length takes more room.
    let data = vec![""; 80_000];
    let photo = json!({"table_name": "products", "record_id": "p", "data": {"x": data},
                       "local_updated_at": "2025-12-07T10:00:00Z"});
    let push = push(&vec![photo; BATCH_BYTES_MAX / RECORD_BYTES_MAX]);
    let rules = crate::tests::rules();
    let plan = decide(&rules, &Snapshot::default(), &push, Timestamp(7));
    assert_eq!(plan.dead.len(), push.records.len());
    let room = "1:2".parse().unwrap();
    assert!(CommitPlan::new(&rules.tables, &room, &push, &plan, &[]).is_ok());
    let stored = |item: DeadLetterItem| StoredDeadLetters {
        item,
        device: push.device.clone(),
        batch: None,
        received_at: Timestamp(7),
    };
    let items = items(&push, Stamp(7), Timestamp(7), &plan.dead).unwrap();
    let stored: Vec<_> = items.into_iter().map(stored).map(DeadLettersEntry::Stored).collect();
    let query = DeadLettersQuery::parse(Some("100"), None).unwrap();
    let page = page(&rules.tables, Role::Manager, &query, &stored, false).response;
    assert!(page.dead_letters.iter().all(|letter| letter.is_cut && letter.bytes > RECORD_BYTES_MAX));
    // Lambda responds with the page as an escaped text.
    let escaped = serde_json::to_string(&serde_json::to_string(&page).unwrap()).unwrap();
    assert!(escaped.len() < 6_000_000, "{}", escaped.len());
}
