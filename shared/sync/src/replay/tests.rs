use serde_json::{Value, json};

use super::*;
use crate::dead_letter_id::DeadLetterKey;
use crate::tests::{record, rules};
use protocol::record::RecordKey;
use protocol::stamp::Stamp;
use protocol::wire::outcome::RejectionCode;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn text(value: &Value) -> JsonText {
    JsonText::from_text(value.to_string()).unwrap()
}

/// Open dead letters of one item.
struct Open {
    id: DeadLetterId,
    letters: Vec<OpenDeadLetters>,
}

fn letter(payload: Payload) -> Open {
    let key = DeadLetterKey { at: Stamp(1_765_103_400_000_145), batch: "0123456789abcdef".into(), part: 0 };
    let letter = DeadLetter {
        index: 3,
        table: Some("products".into()),
        id: Some("p1".into()),
        group: None,
        code: "bad_time".into(),
        message: "m".into(),
        payload,
    };
    let id = DeadLetterId { key: key.clone(), index: 3 };
    let device = "till-1".parse().unwrap();
    Open { id, letters: vec![OpenDeadLetters { key, device, open: vec![3], letters: vec![letter] }] }
}

fn whole(record: &Value) -> Open {
    letter(Payload::Whole(text(record)))
}

fn product(change: impl FnOnce(&mut Value)) -> Value {
    let mut record = json!({ "table_name": "products", "record_id": "p1", "data": { "price": 1 },
        "local_updated_at": "yesterday", "base_version": 7 });
    change(&mut record);
    record
}

fn with_data(data: Option<Value>) -> ReplayRequest {
    ReplayRequest { data: data.map(|value| text(&value)), corrections: Vec::new() }
}

fn replayed(open: &Open, data: Option<Value>, snapshot: &Snapshot) -> (Push, Plan) {
    let mut push = push(&rules(), Role::Manager, &open.id, &open.letters, &with_data(data), NOW).unwrap();
    let plan = decide_replay(&rules(), snapshot, &mut push, NOW).unwrap();
    (push, plan)
}

/// A room with version 5 of the record, written by another device whose clock is a day ahead.
fn room() -> Snapshot {
    let mut record = record(r#"{"price":9}"#, 5, 7);
    record.modified_at = NOW.plus_secs(86_400);
    let mut snapshot = Snapshot::default();
    snapshot.records.insert(RecordKey { table: "products".into(), id: "p1".into() }, record);
    snapshot
}

#[test]
fn a_replay_writes_over_any_version_as_the_original_device() {
    let open = whole(&product(|_| {}));
    for (snapshot, version) in [(Snapshot::default(), 1), (room(), 6)] {
        let (push, plan) = replayed(&open, None, &snapshot);
        assert!(fully_applied(&plan), "{plan:?}");
        assert_eq!(
            (plan.puts[0].record.version, plan.puts[0].record.data.as_str()),
            (version, r#"{"price":1}"#)
        );
        assert_eq!(push.device.as_str(), "till-1");
        assert_eq!(push.batch.unwrap().as_str(), "dead:1765103400000145.0123456789abcdef.0.3");
        assert!(plan.dead.is_empty());
    }
}

#[test]
fn corrected_data_replaces_the_payload() {
    let open = whole(&product(|record| record["data"] = json!(5)));
    let (_, plan) = replayed(&open, None, &Snapshot::default());
    assert!(!fully_applied(&plan) && matches!(&plan.outcomes[0], Outcome::Rejected(_)));
    let (_, plan) = replayed(&open, Some(json!({ "price": 2 })), &Snapshot::default());
    assert_eq!((fully_applied(&plan), plan.changes[0].data.as_str()), (true, r#"{"price":2}"#));
}

#[test]
fn a_cut_payload_needs_data_and_keeps_its_key() {
    let cut = Payload::Cut { text: r#"{"table_name":"prod"#.into(), bytes: 70_000, sha256: "00".into() };
    let open = letter(cut);
    let error = push(&rules(), Role::Manager, &open.id, &open.letters, &with_data(None), NOW).unwrap_err();
    assert_eq!(error.code, ErrorCode::PayloadCut);
    let (_, plan) = replayed(&open, Some(json!({ "price": 2 })), &room());
    assert_eq!((plan.changes[0].key.id.as_str(), plan.changes[0].version), ("p1", 6));
}

#[test]
fn a_record_that_is_still_invalid_is_rejected_again() {
    for (record, code) in [
        (json!(5), RejectionCode::Malformed),
        (product(|record| record["table_name"] = json!("nonsense")), RejectionCode::UnknownTable),
        (product(|record| record["table_name"] = json!("employee_advances")), RejectionCode::Forbidden),
    ] {
        let (open, data) = (whole(&record), with_data(Some(json!({}))));
        let mut cashier = push(&rules(), Role::Cashier, &open.id, &open.letters, &data, NOW).unwrap();
        let plan = decide_replay(&rules(), &Snapshot::default(), &mut cashier, NOW).unwrap();
        let Outcome::Rejected(rejection) = &plan.outcomes[0] else { panic!("{plan:?}") };
        assert_eq!(rejection.code, code);
        assert!(plan.changes.is_empty());
    }
}

#[test]
fn a_replay_may_carry_deltas() {
    let stock = json!({ "table_name": "product_stock", "record_id": "s1", "data": { "quantity": { "$delta": "-2" } },
        "local_updated_at": "?" });
    let (_, plan) = replayed(&whole(&stock), None, &Snapshot::default());
    assert_eq!((fully_applied(&plan), plan.changes.len()), (true, 1));
}

/// The dead letters of a sale: a line that was rejected, and the stock that was undone with it. The second
/// one is in another item.
fn sale() -> Vec<OpenDeadLetters> {
    let line = |data: Value| {
        json!({ "table_name": "invoice_items", "record_id": "l1", "data": data,
        "local_updated_at": "?", "base_version": 0, "group": "s" })
    };
    let stock = json!({ "table_name": "product_stock", "record_id": "s1", "data": { "quantity": { "$delta": "-2" } },
        "local_updated_at": "?", "group": "s" });
    let open = |index: usize, part: usize, record: &Value| {
        let mut open = whole(record).letters.remove(0);
        (open.key.part, open.open, open.letters[0].index) = (part, vec![index, 9], index);
        open.letters[0].group = "s".parse().ok();
        open
    };
    vec![open(4, 1, &stock), open(1, 0, &line(json!(5)))]
}

fn id_of(open: &OpenDeadLetters) -> DeadLetterId {
    open.iter().next().unwrap().0
}

#[test]
fn a_group_is_replayed_in_its_order_as_a_whole_or_not_at_all() {
    let open = sale();
    let named = id_of(&open[0]);
    let decided = |request: &ReplayRequest| {
        let mut push = push(&rules(), Role::Manager, &named, &open, request, NOW).unwrap();
        let plan = decide_replay(&rules(), &Snapshot::default(), &mut push, NOW).unwrap();
        (push, plan)
    };
    let (push, plan) = decided(&ReplayRequest::default());
    let ids: Vec<_> = push.records.iter().map(|record| record.id.as_deref().unwrap()).collect();
    assert_eq!((ids, push.atomic), (vec!["l1", "s1"], true));
    assert!(!fully_applied(&plan) && plan.changes.is_empty() && plan.puts.is_empty());
    let corrections = vec![Correction { id: id_of(&open[1]).to_string(), data: text(&json!({ "n": 1 })) }];
    let (push, plan) = decided(&ReplayRequest { data: None, corrections });
    assert!(fully_applied(&plan));
    assert_eq!(plan.changes.iter().map(|change| change.key.id.as_str()).collect::<Vec<_>>(), ["l1", "s1"]);
    assert_eq!(push.batch.unwrap().as_str(), format!("dead:{named}"));
}

#[test]
fn a_correction_of_another_dead_letter_is_refused() {
    let open = sale();
    let request = ReplayRequest {
        data: None,
        corrections: vec![Correction { id: "x".repeat(500), data: text(&json!({})) }],
    };
    let error = push(&rules(), Role::Manager, &id_of(&open[0]), &open, &request, NOW).unwrap_err();
    assert_eq!(error.code, ErrorCode::BadRequest);
    let closed = push(&rules(), Role::Manager, &id_of(&open[0]), &open[1..], &ReplayRequest::default(), NOW);
    assert_eq!(closed.unwrap_err().code, ErrorCode::DeadLetterNotFound);
}
