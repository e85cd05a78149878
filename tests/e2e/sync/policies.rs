//! Every policy of tables.toml, through the whole street.

use libtest_mimic::Trial;
use local::function_host::faults::HostFault;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use sync::decimal::Decimal;
use tests::fleet;
use tokio::task::JoinSet;

use crate::shop::{Shop, Till, ago, product, with};
use crate::sync::broadcast::Listener;

pub(crate) fn trials() -> Vec<Trial> {
    trials![
        deltas_of_concurrent_tills_add_up_exactly,
        a_delta_whose_answer_was_lost_counts_once,
        large_numbers_keep_their_text_all_the_way,
        a_sum_below_its_floor_is_flagged_and_said_again,
        a_row_is_written_once_and_only_its_state_moves,
        what_one_side_changed_merges_and_the_rest_conflicts,
        the_first_the_last_or_nobody_wins,
        a_clock_ahead_loses_no_sale_and_wins_no_conflict,
        a_cashier_writes_no_settings,
        an_atomic_batch_with_a_rejected_record_leaves_no_trace,
    ]
}

fn record(table: &str, id: &str, data: &Value) -> Value {
    with(product(id, data), "table_name", table)
}

fn taken(delta: &str) -> Value {
    record("product_stock", "tea", &json!({"quantity": {"$delta": delta}}))
}

async fn push_named(till: &Till, records: &[Value]) -> PushResponse {
    let batch = till.batch(Some(&fleet::batch_id()), records);
    loop {
        let reply = till.push_raw(&batch).await;
        if reply.status.as_u16() != 503 {
            return reply.ok().unwrap();
        }
    }
}

/// The data of the last change of a record.
async fn last(till: &Till, id: &str) -> String {
    let changes = till.pull_all(Stamp::ZERO, 1000).await;
    changes.iter().rfind(|change| change.record_id == id).unwrap().data.as_str().to_owned()
}

fn error(answer: &PushResponse) -> &str {
    assert_eq!((answer.applied.len(), answer.errors.len()), (0, 1), "{answer:?}");
    &answer.errors[0].code
}

async fn deltas_of_concurrent_tills_add_up_exactly(shop: &'static Shop) {
    const TILLS: usize = 4;
    let sales = ["-0.1", "-0.20", "3", "-1.005", "0.7"];
    let mut pushes = JoinSet::new();
    for i in 0..TILLS {
        let till = shop.till(&format!("till-{i}")).await;
        pushes.spawn(async move {
            for delta in sales {
                let answer = push_named(&till, &[taken(delta), taken(delta)]).await;
                assert_eq!(answer.applied.len(), 2, "{answer:?}");
            }
        });
    }
    while let Some(done) = pushes.join_next().await {
        done.unwrap();
    }
    let reader = shop.till("reader").await;
    let expected = (0..2 * TILLS)
        .flat_map(|_| sales)
        .fold(Decimal::ZERO, |sum, delta| sum.plus(Decimal::parse(delta).unwrap()).unwrap());
    assert_eq!(last(&reader, "tea").await, format!(r#"{{"quantity":{expected}}}"#));
}

async fn a_delta_whose_answer_was_lost_counts_once(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    push_named(&till, &[taken("10")]).await;
    let batch = till.batch(Some("sale"), &[taken("-3")]);
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    assert_eq!(till.push_raw(&batch).await.status.as_u16(), 503);
    for _ in 0..3 {
        let answer: PushResponse = till.push_raw(&batch).await.ok().unwrap();
        assert_eq!((answer.applied[0].version, answer.synced_count), (2, 1));
        assert_eq!(answer.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":7}"#);
    }
    assert_eq!(error(&till.push(&[taken("-3")]).await), "delta_needs_batch");
    assert_eq!(last(&till, "tea").await, r#"{"quantity":7}"#);
}

async fn large_numbers_keep_their_text_all_the_way(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut screen = Listener::open(&two.api, "till-2").await;
    push_named(&one, &[record("product_stock", "tea", &json!({"quantity": 9_007_199_254_740_992_u64}))])
        .await;
    assert!(screen.next_text().await.contains(r#""data":{"quantity":9007199254740992}"#));
    let answer = push_named(&one, &[taken("1")]).await;
    assert_eq!(answer.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":9007199254740993}"#);
    assert!(screen.next_text().await.contains(r#""data":{"quantity":9007199254740993}"#));
    assert_eq!(last(&two, "tea").await, r#"{"quantity":9007199254740993}"#);
}

async fn a_sum_below_its_floor_is_flagged_and_said_again(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = till.batch(Some("b1"), &[taken("-2")]);
    for _ in 0..2 {
        let answer: PushResponse = till.push_raw(&batch).await.ok().unwrap();
        assert_eq!(answer.applied[0].flags, ["below_floor"]);
    }
    assert_eq!(last(&till, "tea").await, r#"{"quantity":-2}"#);
}

async fn a_row_is_written_once_and_only_its_state_moves(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let sale = json!({"total": 9.90, "status": "open"});
    one.push(&[record("invoices", "i1", &sale)]).await;
    assert_eq!(error(&two.push(&[record("invoices", "i1", &json!({"total": 1}))]).await), "append_only");
    let delete = with(record("invoices", "i1", &json!(null)), "is_deleted", true);
    assert_eq!(error(&two.push(&[delete]).await), "append_only");
    let status =
        |state: &str| with(record("invoices", "i1", &json!({"status": state})), "fields", json!(["status"]));
    assert_eq!(two.push(&[status("paid")]).await.applied[0].version, 2);
    assert_eq!(error(&one.push(&[status("open")]).await), "bad_transition");
    assert_eq!(last(&one, "i1").await, r#"{"status":"paid","total":9.9}"#);
    let late = with(record("invoices", "i2", &sale), "local_updated_at", "2024-01-01T00:00:00Z");
    assert_eq!(one.push(&[late]).await.synced_count, 1, "a sale is never too late");
    let old = with(product("p1", &json!({})), "local_updated_at", "2024-01-01T00:00:00Z");
    assert_eq!(error(&one.push(&[old]).await), "too_old");
}

async fn what_one_side_changed_merges_and_the_rest_conflicts(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[product("p1", &json!({"name": "Tea", "price": 1}))]).await;
    let change = |data: &Value, names: &[&str]| {
        with(with(product("p1", data), "fields", json!(names)), "base_version", 1)
    };
    one.push(&[change(&json!({"price": 2}), &["price"])]).await;
    let merged = two.push(&[change(&json!({"name": "Green tea"}), &["name"])]).await;
    assert_eq!(merged.applied[0].data.as_ref().unwrap().as_str(), r#"{"name":"Green tea","price":2}"#);
    let batch = two.batch(Some("b1"), &[change(&json!({"price": 3, "shelf": "A"}), &["price", "shelf"])]);
    for _ in 0..2 {
        let answer: PushResponse = two.push_raw(&batch).await.ok().unwrap();
        let conflict = &answer.conflicts[0];
        assert_eq!(
            (&*conflict.reason, conflict.server_version, answer.synced_count),
            ("fields_conflict", 4, 0)
        );
        let server = conflict.server_data.as_ref().unwrap().as_str();
        assert_eq!(server, r#"{"name":"Green tea","price":2,"shelf":"A"}"#);
        assert!(answer.stamp > answer.prev, "the rest was stored");
    }
}

async fn the_first_the_last_or_nobody_wins(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[record("printers", "x", &json!({"by": 1}))]).await;
    let stale = with(record("printers", "x", &json!({"by": 2})), "local_updated_at", ago(3600));
    assert_eq!(two.push(&[stale]).await.applied[0].version, 2);
    let login = shop.user("manager", Role::Manager, Some("1")).await;
    let (api, _) = shop.stranger().login(&login).await.unwrap();
    let manager = Till { api, device: "office".into() };
    for (table, reason) in [("payment_methods", "server_wins"), ("promotions", "manual")] {
        manager.push(&[record(table, "x", &json!({"n": 1}))]).await;
        manager.push(&[with(record(table, "x", &json!({"n": 2})), "base_version", 1)]).await;
        let answer = manager.push(&[with(record(table, "x", &json!({"n": 3})), "base_version", 1)]).await;
        assert_eq!(answer.conflicts[0].reason, reason);
    }
}

async fn a_clock_ahead_loses_no_sale_and_wins_no_conflict(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let ahead = |record| with(record, "local_updated_at", "2200-01-01T00:00:00Z");
    let answer = push_named(&till, &[ahead(record("invoices", "i1", &json!({}))), ahead(taken("1"))]).await;
    assert!(answer.applied.iter().all(|applied| applied.flags == ["clock_clamped"]), "{answer:?}");
    let answer = push_named(&till, &[ahead(product("p1", &json!({})))]).await;
    assert_eq!(error(&answer), "clock_ahead");
    assert!(answer.errors[0].message.contains(&answer.server_time[..13]), "{}", answer.errors[0].message);
}

async fn a_cashier_writes_no_settings(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let setting = record("settings", "vat", &json!({"rate": "0.2"}));
    assert_eq!(error(&till.push(std::slice::from_ref(&setting)).await), "forbidden");
    let login = shop.user("manager", Role::Manager, Some("1")).await;
    let (api, _) = shop.stranger().login(&login).await.unwrap();
    let manager = Till { api, device: "office".into() };
    assert_eq!(manager.push(&[setting]).await.synced_count, 1);
    assert_eq!(last(&till, "vat").await, r#"{"rate":"0.2"}"#, "a cashier reads what it may not write");
}

async fn an_atomic_batch_with_a_rejected_record_leaves_no_trace(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = |records: &[Value]| with(till.batch(Some("b1"), records), "atomic", true);
    let bad = batch(&[taken("-1"), record("nonsense", "x", &json!({}))]);
    let answer: PushResponse = till.push_raw(&bad).await.ok().unwrap();
    assert_eq!((answer.success, answer.synced_count, answer.errors.len()), (false, 0, 1));
    assert!(till.pull_all(Stamp::ZERO, 10).await.is_empty());
    let answer: PushResponse = till.push_raw(&batch(&[taken("-1")])).await.ok().unwrap();
    assert_eq!((answer.success, answer.synced_count), (true, 1), "the batch id is still free");
}
