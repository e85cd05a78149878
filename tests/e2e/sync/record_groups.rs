//! Groups of records in a push, and their dead letters.

use functions::sync::keys;
use local::dynamo::faults::Fault;
use protocol::stamp::Stamp;
use protocol::wire::dead_letters::DeadLetterEntry;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::Api;

use super::dead_letters::{dead_letters, post};
use crate::replies::assert_error;
use crate::shop::{Shop, product, record, with};
use crate::stored::Stored;
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    a_sale_that_is_refused_in_part_is_undone_and_others_are_applied,
    a_conflict_undoes_its_group,
    a_group_is_replayed_as_a_whole,
    a_replay_corrects_several_records_and_leaves_out_what_was_discarded,
    a_group_of_several_items_is_replayed_once,
    a_group_in_a_shared_commit_is_undone_alone,
    a_group_needs_a_batch_id,
}

/// A sale as a group: an invoice, and two pieces out of the stock.
fn sale(id: &str) -> [Value; 2] {
    let stock = record("product_stock", "s1", &json!({"quantity": {"$delta": "-2"}}));
    [record("invoices", id, &json!({"total": "9.90"})), stock].map(|record| with(record, "group", id))
}

/// A record of the sale `id` that a cashier may not write.
fn forbidden(id: &str) -> Value {
    with(record("settings", id, &json!({"beep": false})), "group", id)
}

/// The index and code of each rejected record.
fn errors(response: &PushResponse) -> Vec<(usize, &str)> {
    response.errors.iter().map(|error| (error.index, error.code.as_str())).collect()
}

fn applied(response: &PushResponse) -> Vec<usize> {
    response.applied.iter().map(|applied| applied.index).collect()
}

/// The ids of all changes of the room and the stock, as a till sees them.
async fn pulled(till: &Till) -> (Vec<String>, String) {
    let changes = till.pull_all(Stamp::ZERO, 100).await;
    let stock = changes.iter().rfind(|change| change.table_name == "product_stock");
    let stock = stock.map_or_else(String::new, |change| change.data.as_str().to_owned());
    (changes.into_iter().map(|change| change.record_id).collect(), stock)
}

/// A sale that waits in the dead letters, its till and a manager.
async fn undone(shop: &Shop) -> (Till, Api, Vec<DeadLetterEntry>) {
    let till = shop.till("till-1").await;
    let [invoice, stock] = sale("i1");
    let batch = till.batch(Some("b1"), &[invoice, forbidden("i1"), stock, product("p1", &json!({}))]);
    let response = till.push_batch(&batch).await;
    assert_eq!(errors(&response), [(0, "group_undone"), (1, "forbidden"), (2, "group_undone")]);
    let manager = shop.manager().await;
    let letters = dead_letters(&manager).await;
    (till, manager, letters)
}

async fn a_sale_that_is_refused_in_part_is_undone_and_others_are_applied(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let [[one, of_one], [two, of_two]] = ["i1", "i2"].map(sale);
    let batch =
        till.batch(Some("b1"), &[one, of_one, two, of_two, forbidden("i1"), product("p1", &json!({}))]);
    let first = till.push_batch(&batch).await;
    assert_eq!((first.success, applied(&first)), (true, vec![2, 3, 5]));
    assert_eq!(errors(&first), [(0, "group_undone"), (1, "group_undone"), (4, "forbidden")]);
    assert_eq!(first.stamp.0 - first.applied[0].stamp.0, 2, "the stamps of the commit have no gap");
    // A retry gets the same outcomes, and nothing is counted twice.
    let again = till.push_batch(&batch).await;
    assert_eq!(
        (errors(&again), applied(&again), again.stamp),
        (errors(&first), applied(&first), first.stamp)
    );
    let ids = ["i2", "s1", "p1"].map(str::to_owned).to_vec();
    assert_eq!(pulled(&till).await, (ids, r#"{"quantity":-2}"#.to_owned()));
    let manager = shop.manager().await;
    let letters = dead_letters(&manager).await;
    let kept: Vec<_> = letters.iter().map(|letter| (letter.index, letter.group.as_deref())).collect();
    assert_eq!(kept, [(0, Some("i1")), (1, Some("i1")), (4, Some("i1"))]);
    // In an atomic batch everything is one group.
    let atomic =
        with(till.batch(Some("b2"), &[sale("i3").to_vec(), vec![forbidden("i4")]].concat()), "atomic", true);
    let response = till.push_batch(&atomic).await;
    assert_eq!((response.success, errors(&response)), (false, vec![(2, "forbidden")]));
    assert_eq!(dead_letters(&manager).await.len(), 3, "an atomic batch leaves no dead letters");
}

async fn a_conflict_undoes_its_group(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"price": 1}))]).await;
    let clash = with(with(product("p1", &json!({"price": 2})), "base_version", 0), "group", "i1");
    let [invoice, stock] = sale("i1");
    let response = two.push_batch(&two.batch(Some("b1"), &[invoice, clash, stock])).await;
    assert_eq!(errors(&response), [(0, "group_undone"), (1, "group_conflict"), (2, "group_undone")]);
    assert!(response.errors[1].message.contains("already_exists"), "{response:?}");
    assert_eq!((response.conflicts.len(), response.prev), (0, response.stamp));
    // A person replays it over what the server has.
    let manager = shop.manager().await;
    let letters = dead_letters(&manager).await;
    let response: PushResponse = post(&manager, &letters[2].id, "replay", "").await.ok().unwrap();
    assert_eq!((response.synced_count, response.applied[1].version), (3, 2));
}

async fn a_group_is_replayed_as_a_whole(shop: &'static Shop) {
    let (till, manager, letters) = undone(shop).await;
    let mut listener = Listener::open(&till.api, "till-1").await;
    let reply = post(&manager, &letters[1].id, "replay", "");
    let reply = shop.with_dynamo_fault("TransactWriteItems", Fault::LostResponse, reply).await;
    assert_error(&reply, 503, "unavailable");
    // The original device hears of each of the records, in the order of the batch.
    for id in ["i1", "i1", "s1"] {
        assert_eq!(listener.next_sync().await.record_id, id);
    }
    assert_eq!(dead_letters(&manager).await, []);
    for letter in &letters {
        assert_error(&post(&manager, &letter.id, "replay", "").await, 404, "dead_letter_not_found");
    }
    let ids = ["p1", "i1", "i1", "s1"].map(str::to_owned).to_vec();
    assert_eq!(pulled(&till).await, (ids, r#"{"quantity":-2}"#.to_owned()));
    let changes = till.pull_all(Stamp::ZERO, 100).await;
    assert_eq!(changes[1].device_id, format!("dead:{}", letters[1].id));
}

async fn a_replay_corrects_several_records_and_leaves_out_what_was_discarded(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let line = |id: &str, data: &Value| with(record("invoice_items", id, data), "group", "i1");
    let [invoice, stock] = sale("i1");
    let unknown = with(record("dreams", "d1", &json!({})), "group", "i1");
    let records = [invoice, line("l1", &json!(5)), line("l2", &json!([])), unknown, stock];
    till.push_batch(&till.batch(Some("b1"), &records)).await;
    let manager = shop.manager().await;
    let letters = dead_letters(&manager).await;
    let id = |index: usize| letters[index].id.as_str();
    let both = json!({"data": {"n": 1}, "corrections": [{"id": id(2), "data": {"n": 2}}]}).to_string();
    for body in ["", r#"{"data":{"n":1}}"#, &both] {
        let response: PushResponse = post(&manager, id(1), "replay", body).await.ok().unwrap();
        assert!(!response.success && response.applied.is_empty() && response.prev == response.stamp);
        assert_eq!(dead_letters(&manager).await.len(), 5, "nothing of it is replayed");
    }
    let stranger = json!({"corrections": [{"id": "x", "data": {}}]}).to_string();
    assert_error(&post(&manager, id(1), "replay", &stranger).await, 400, "bad_request");
    // No correction helps a record of an unknown table.
    assert_eq!(post(&manager, id(3), "discard", "").await.status.as_u16(), 204);
    let response: PushResponse = post(&manager, id(1), "replay", &both).await.ok().unwrap();
    assert_eq!((response.synced_count, applied(&response)), (4, vec![0, 1, 2, 3]));
    let ids = ["i1", "l1", "l2", "s1"].map(str::to_owned).to_vec();
    assert_eq!(pulled(&till).await, (ids, r#"{"quantity":-2}"#.to_owned()));
    assert_eq!(dead_letters(&manager).await, []);
}

async fn a_group_of_several_items_is_replayed_once(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    // More than fits one item of dead letters.
    let large = |n: usize| {
        let row = record("invoice_items", &format!("l{n}"), &json!({"text": "x".repeat(60_000)}));
        with(row, "group", "i1")
    };
    let records: Vec<Value> =
        sale("i1").into_iter().chain((0..9).map(large)).chain([forbidden("i1")]).collect();
    till.push_batch(&till.batch(Some("b1"), &records)).await;
    let manager = shop.manager().await;
    let letters = dead_letters(&manager).await;
    let parts: std::collections::BTreeSet<&str> =
        letters.iter().filter_map(|letter| letter.id.rsplit_once('.')).map(|(item, _)| item).collect();
    assert!(letters.len() == records.len() && parts.len() > 1, "{parts:?}");
    // A damaged item may hold a part of the group.
    let last = letters[records.len() - 1].id.rsplit_once('.').unwrap().0.parse().unwrap();
    let stored = Stored::in_room(shop, &keys::dead(&last)).await;
    stored.damage("body").await;
    assert_error(&post(&manager, &letters[0].id, "replay", "").await, 409, "group_damaged");
    assert_error(
        &post(&manager, &letters[records.len() - 1].id, "replay", "").await,
        404,
        "dead_letter_not_found",
    );
    assert_eq!(pulled(&till).await, (Vec::new(), String::new()), "nothing of it is replayed");
    stored.repair().await;
    let (one, two) = tokio::join!(
        post(&manager, &letters[0].id, "replay", ""),
        post(&manager, &letters[records.len() - 1].id, "replay", "")
    );
    let mut statuses = [one, two].map(|reply| reply.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    assert_eq!(dead_letters(&manager).await, []);
    let (ids, stock) = pulled(&till).await;
    assert_eq!((ids.len(), stock.as_str()), (records.len(), r#"{"quantity":-2}"#));
}

async fn a_group_needs_a_batch_id(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = till.batch(None, &[&sale("i1")[..], &[product("p1", &json!({}))]].concat());
    assert_error(&till.push_raw(&batch).await, 400, "group_needs_batch");
    assert_eq!(pulled(&till).await, (Vec::new(), String::new()), "nothing of the batch is applied");
    assert_eq!(dead_letters(&shop.manager().await).await, []);
    assert_eq!(till.push_batch(&with(batch, "batch_id", "b1")).await.synced_count, 3);
}

/// Two pushes in one transaction: what one of them undoes does not concern the other.
async fn a_group_in_a_shared_commit_is_undone_alone(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let bad: Vec<Value> = sale("i1").into_iter().chain([forbidden("i1")]).collect();
    let (one_batch, two_batch) = (one.batch(Some("b1"), &bad), two.batch(Some("b1"), &sale("i2")));
    let (refused, applied_push) = tokio::join!(one.push_batch(&one_batch), two.push_batch(&two_batch));
    assert_eq!((refused.synced_count, refused.errors.len(), applied_push.synced_count), (0, 3, 2));
    let ids = ["i2", "s1"].map(str::to_owned).to_vec();
    assert_eq!(pulled(&two).await, (ids, r#"{"quantity":-2}"#.to_owned()));
}
