use serde_json::json;

use super::*;
use crate::dead_letters::items;
use crate::outcome::Outcome;
use protocol::stamp::Stamp;
use protocol::timestamp::Timestamp;
use protocol::wire::outcome::RejectionCode;

fn tables() -> Tables {
    Tables::built_in().unwrap()
}

/// The stored dead letters of a batch of `records` at the stamp `at`.
fn stored(at: u64, records: &[serde_json::Value]) -> StoredDeadLetters {
    let body = json!({ "device_id": "till-1", "batch_id": "b1", "records": records });
    let push = crate::tests::push(Role::Cashier, &body);
    let rejected = Outcome::Rejected(RejectionCode::BadTime.with_message("No."));
    let letters = DeadLetter::of(&push, &vec![rejected; records.len()]);
    let item = items(&push, Stamp(at), Timestamp(at), &letters).unwrap().remove(0);
    StoredDeadLetters { item, device: push.device, batch: push.batch, received_at: Timestamp(at) }
}

fn read(stored: impl IntoIterator<Item = StoredDeadLetters>) -> Vec<DeadLettersEntry> {
    stored.into_iter().map(DeadLettersEntry::Stored).collect()
}

fn product(id: &str) -> serde_json::Value {
    json!({ "table_name": "products", "record_id": id, "data": { "price": 1 }, "local_updated_at": "?" })
}

fn query(limit: &str, cursor: &str) -> DeadLettersQuery {
    DeadLettersQuery::parse(Some(limit), Some(cursor)).unwrap()
}

fn ids(answer: &DeadLettersResponse) -> Vec<&str> {
    answer.dead_letters.iter().map(|letter| letter.record_id.as_deref().unwrap()).collect()
}

#[test]
fn pages_cover_all_batches() {
    let all = [stored(7, &[product("a"), product("b"), product("c")]), stored(9, &[product("d")])];
    let pull = |query: &DeadLettersQuery| {
        // Like the store: begins with the first item of the query.
        let from = all.iter().position(|stored| query.from().is_none_or(|from| stored.item.key >= *from));
        let from = read(all[from.unwrap()..].to_vec());
        page(&tables(), Role::Manager, query, &from, false).response
    };
    let (mut cursor, mut found) = ("d1.".to_owned(), Vec::new());
    for (expected, more) in [(vec!["a", "b"], true), (vec!["c", "d"], false), (vec![], false)] {
        let answer = pull(&query("2", &cursor));
        assert_eq!((ids(&answer), answer.has_more), (expected.clone(), more));
        found.extend(expected);
        cursor = answer.next_cursor;
    }
    assert_eq!(found, ["a", "b", "c", "d"]);
    let whole = pull(&DeadLettersQuery::parse(None, None).unwrap());
    assert_eq!((whole.dead_letters.len(), whole.has_more), (4, false));
}

/// A manager sees the other dead letters, and the cursor does not stand still.
#[test]
fn damaged_items_are_passed_over_wherever_they_are_damaged() {
    let [readable, broken, other] = [7, 8, 9].map(|at| stored(at, &[product(&format!("p{at}"))]));
    let mut broken_body = broken.clone();
    broken_body.item.body = vec![1, 2, 3];
    for damage in [DeadLettersEntry::Stored(broken_body), DeadLettersEntry::Damaged(broken.item.key.clone())]
    {
        let all = [read([readable.clone()]), vec![damage.clone()], read([other.clone()])].concat();
        let whole = page(&tables(), Role::Manager, &query("5", "d1."), &all, false);
        assert_eq!(ids(&whole.response), ["p7", "p9"]);
        let is_body = matches!(damage, DeadLettersEntry::Stored(_));
        assert_eq!(whole.damaged.len(), usize::from(is_body), "the store reports the others");
        let only =
            page(&tables(), Role::Manager, &query("5", "d1."), std::slice::from_ref(&damage), true).response;
        let next = query("5", &only.next_cursor);
        assert_eq!((next.from(), only.has_more), (Some(&broken.item.key), true));
        let next =
            page(&tables(), Role::Manager, &next, &[vec![damage], read([other.clone()])].concat(), false);
        assert_eq!(ids(&next.response), ["p9"]);
    }
}

#[test]
fn an_empty_page_has_a_cursor() {
    let answer = page(&tables(), Role::Manager, &query("5", "d1."), &[], false).response;
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"dead_letters":[],"has_more":false,"next_cursor":"d1."}"#
    );
}

#[test]
fn the_exact_shape_is_pinned() {
    let batch = [stored(1_765_103_400_000_145, &[json!({ "table_name": "products", "price": 1 }), json!(5)])];
    let mut answer = page(&tables(), Role::Manager, &query("5", "d1."), &read(batch.clone()), false).response;
    let five = answer.dead_letters.remove(1);
    let id = format!("{}.1", batch[0].item.key);
    let sha256 = "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d";
    let expected = [
        &format!(r#"{{"id":"{id}","index":1,"device_id":"till-1","batch_id":"b1","#),
        r#""received_at":"2025-12-07T10:30:00.000145Z","code":"bad_time","message":"No.","record":5,"#,
        &format!(r#""bytes":1,"sha256":"{sha256}","is_cut":false}}"#),
    ];
    assert_eq!(serde_json::to_string(&five).unwrap(), expected.concat());
}

#[test]
fn a_page_ends_with_the_dead_letter_that_exceeds_the_byte_limit() {
    let large = |id: &str| json!({ "table_name": "products", "record_id": id, "data": "x".repeat(60_000) });
    let all = read((0..40).map(|i| stored(i, &[large("a"), large("b")])));
    let answer = page(&tables(), Role::Manager, &query("100", "d1."), &all, false).response;
    assert!(answer.has_more && answer.dead_letters.len() < 40, "{}", answer.dead_letters.len());
}

#[test]
fn the_record_is_hidden_from_roles_that_may_not_read_its_table() {
    let secret = json!({ "table_name": "employee_advances", "record_id": "x", "data": { "sum": 5 } });
    let batch = read([stored(7, std::slice::from_ref(&secret))]);
    let shown =
        |role| page(&tables(), role, &query("5", "d1."), &batch, false).response.dead_letters.remove(0);
    let hidden = shown(Role::Cashier);
    assert_eq!((hidden.record, hidden.payload, hidden.code.as_str()), (None, None, "bad_time"));
    assert_eq!(hidden.bytes, secret.to_string().len());
    assert_eq!(shown(Role::SuperAdmin).record.unwrap().as_str(), secret.to_string());
}

#[test]
fn bad_parameters_are_refused() {
    for limit in ["0", "101", "-1", "ten", ""] {
        assert_eq!(
            DeadLettersQuery::parse(Some(limit), None).unwrap_err().code,
            ErrorCode::BadLimit,
            "{limit}"
        );
    }
    for cursor in ["", "v1.5", "d1.x", "d0.", "d1.7.0123456789abcdef.0.0"] {
        assert_eq!(
            DeadLettersQuery::parse(None, Some(cursor)).unwrap_err().code,
            ErrorCode::BadCursor,
            "{cursor}"
        );
    }
    let newer = DeadLettersQuery::parse(None, Some("d2.7")).unwrap_err();
    assert_eq!(newer.code, ErrorCode::Unavailable, "another instance is newer");
}
