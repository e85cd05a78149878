//! Every policy of tables.toml, end to end.

use local::function_host::faults::HostFault;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use protocol::wire::stats::{TableInfo, TablesResponse};
use serde_json::{Value, json};
use sync::decimal::Decimal;
use sync::tables::Tables;
use tests::api::Api;
use tests::fleet;
use tokio::task::JoinSet;

use crate::shop::{Shop, ago, product, record, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    concurrent_deltas_add_up_exactly,
    a_delta_whose_response_was_lost_is_added_once,
    large_numbers_keep_their_text,
    a_sum_below_the_floor_is_flagged_in_every_response,
    append_only_records_change_only_their_state,
    changes_of_different_fields_merge_and_others_conflict,
    server_wins_client_wins_and_manual_policies_apply,
    a_fast_clock_is_clamped_or_refused,
    a_cashier_cannot_write_settings,
    an_atomic_batch_with_a_rejected_record_stores_nothing,
    a_role_lists_the_tables_that_it_may_read,
}

fn stock_delta(delta: &str) -> Value {
    record("product_stock", "tea", &json!({"quantity": {"$delta": delta}}))
}

async fn push_with_batch_id(till: &Till, records: &[Value]) -> PushResponse {
    till.push_with_retries(&till.batch(Some(&fleet::batch_id()), records)).await
}

/// The data of the last change of a record.
async fn last_data(till: &Till, id: &str) -> String {
    let changes = till.pull_all(Stamp::ZERO, 1000).await;
    changes.iter().rfind(|change| change.record_id == id).unwrap().data.as_str().to_owned()
}

fn error(response: &PushResponse) -> &str {
    assert_eq!((response.applied.len(), response.errors.len()), (0, 1), "{response:?}");
    &response.errors[0].code
}

async fn concurrent_deltas_add_up_exactly(shop: &'static Shop) {
    const TILLS: usize = 4;
    let sales = ["-0.1", "-0.20", "3", "-1.005", "0.7"];
    let mut pushes = JoinSet::new();
    for i in 0..TILLS {
        let till = shop.till(&format!("till-{i}")).await;
        pushes.spawn(async move {
            for delta in sales {
                let response = push_with_batch_id(&till, &[stock_delta(delta), stock_delta(delta)]).await;
                assert_eq!(response.applied.len(), 2, "{response:?}");
            }
        });
    }
    pushes.join_all().await;
    let reader = shop.till("reader").await;
    let expected = (0..2 * TILLS)
        .flat_map(|_| sales)
        .fold(Decimal::ZERO, |sum, delta| sum.plus(Decimal::parse(delta).unwrap()).unwrap());
    assert_eq!(last_data(&reader, "tea").await, format!(r#"{{"quantity":{expected}}}"#));
}

async fn a_delta_whose_response_was_lost_is_added_once(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    push_with_batch_id(&till, &[stock_delta("10")]).await;
    let batch = till.batch(Some("sale"), &[stock_delta("-3")]);
    shop.world.host_faults.inject(&shop.client, HostFault::LostResponse, 1);
    assert_eq!(till.push_raw(&batch).await.status.as_u16(), 503);
    for _ in 0..3 {
        let response = till.push_batch(&batch).await;
        assert_eq!((response.applied[0].version, response.synced_count), (2, 1));
        assert_eq!(response.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":7}"#);
    }
    assert_eq!(error(&till.push(&[stock_delta("-3")]).await), "delta_needs_batch");
    assert_eq!(last_data(&till, "tea").await, r#"{"quantity":7}"#);
}

async fn large_numbers_keep_their_text(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    let mut listener = Listener::open(&two.api, "till-2").await;
    let large = json!({"quantity": 9_007_199_254_740_992_u64});
    push_with_batch_id(&one, &[record("product_stock", "tea", &large)]).await;
    assert!(listener.next_text().await.contains(r#""data":{"quantity":9007199254740992}"#));
    let response = push_with_batch_id(&one, &[stock_delta("1")]).await;
    assert_eq!(response.applied[0].data.as_ref().unwrap().as_str(), r#"{"quantity":9007199254740993}"#);
    assert!(listener.next_text().await.contains(r#""data":{"quantity":9007199254740993}"#));
    assert_eq!(last_data(&two, "tea").await, r#"{"quantity":9007199254740993}"#);
}

async fn a_sum_below_the_floor_is_flagged_in_every_response(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = till.batch(Some("b1"), &[stock_delta("-2")]);
    for _ in 0..2 {
        let response = till.push_batch(&batch).await;
        assert_eq!(response.applied[0].flags, ["below_floor"]);
    }
    assert_eq!(last_data(&till, "tea").await, r#"{"quantity":-2}"#);
}

async fn append_only_records_change_only_their_state(shop: &'static Shop) {
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
    assert_eq!(last_data(&one, "i1").await, r#"{"status":"paid","total":9.9}"#);
    let late = with(record("invoices", "i2", &sale), "local_updated_at", "2024-01-01T00:00:00Z");
    assert_eq!(one.push(&[late]).await.synced_count, 1, "invoices have no age limit");
    let old = with(product("p1", &json!({})), "local_updated_at", "2024-01-01T00:00:00Z");
    assert_eq!(error(&one.push(&[old]).await), "too_old");
}

async fn changes_of_different_fields_merge_and_others_conflict(shop: &'static Shop) {
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
        let response = two.push_batch(&batch).await;
        let conflict = &response.conflicts[0];
        assert_eq!((&*conflict.reason, conflict.server_version), ("fields_conflict", 4));
        assert_eq!(response.synced_count, 0);
        let server = conflict.server_data.as_ref().unwrap().as_str();
        assert_eq!(server, r#"{"name":"Green tea","price":2,"shelf":"A"}"#);
        assert!(response.stamp > response.prev, "the field without a conflict is stored");
    }
}

async fn server_wins_client_wins_and_manual_policies_apply(shop: &'static Shop) {
    let (one, two) = (shop.till("till-1").await, shop.till("till-2").await);
    one.push(&[record("printers", "x", &json!({"by": 1}))]).await;
    let stale = with(record("printers", "x", &json!({"by": 2})), "local_updated_at", ago(3600));
    assert_eq!(two.push(&[stale]).await.applied[0].version, 2);
    let manager = shop.office().await;
    for (table, reason) in [("payment_methods", "server_wins"), ("promotions", "manual")] {
        manager.push(&[record(table, "x", &json!({"n": 1}))]).await;
        manager.push(&[with(record(table, "x", &json!({"n": 2})), "base_version", 1)]).await;
        let response = manager.push(&[with(record(table, "x", &json!({"n": 3})), "base_version", 1)]).await;
        assert_eq!(response.conflicts[0].reason, reason);
    }
}

async fn a_fast_clock_is_clamped_or_refused(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let ahead = |record| with(record, "local_updated_at", "2200-01-01T00:00:00Z");
    let records = [record("invoices", "i1", &json!({})), stock_delta("1")].map(ahead);
    let response = push_with_batch_id(&till, &records).await;
    assert!(response.applied.iter().all(|applied| applied.flags == ["clock_clamped"]), "{response:?}");
    let response = push_with_batch_id(&till, &[ahead(product("p1", &json!({})))]).await;
    assert_eq!(error(&response), "clock_ahead");
    let message = &response.errors[0].message;
    assert!(message.contains(&response.server_time[..13]), "{message}");
}

async fn a_cashier_cannot_write_settings(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let setting = record("settings", "vat", &json!({"rate": "0.2"}));
    assert_eq!(error(&till.push(std::slice::from_ref(&setting)).await), "forbidden");
    let manager = shop.office().await;
    assert_eq!(manager.push(&[setting]).await.synced_count, 1);
    assert_eq!(last_data(&till, "vat").await, r#"{"rate":"0.2"}"#, "a cashier may read settings");
}

async fn an_atomic_batch_with_a_rejected_record_stores_nothing(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    let batch = |records: &[Value]| with(till.batch(Some("b1"), records), "atomic", true);
    let bad = batch(&[stock_delta("-1"), record("nonsense", "x", &json!({}))]);
    let response = till.push_batch(&bad).await;
    assert_eq!((response.success, response.synced_count, response.errors.len()), (false, 0, 1));
    assert!(till.pull_all(Stamp::ZERO, 10).await.is_empty());
    let response = till.push_batch(&batch(&[stock_delta("-1")])).await;
    assert_eq!((response.success, response.synced_count), (true, 1), "the batch id is still free");
}

async fn a_role_lists_the_tables_that_it_may_read(shop: &'static Shop) {
    let tables = async |api: Api| -> Vec<TableInfo> {
        api.get("/api/sync/tables").await.unwrap().ok::<TablesResponse>().unwrap().tables
    };
    let built_in = Tables::built_in().unwrap();
    let as_cashier = tables(shop.till("till-1").await.api).await;
    let as_admin = tables(shop.admin().await).await;
    for (role, listed) in [(Role::Cashier, &as_cashier), (Role::Admin, &as_admin)] {
        let names = listed.iter().map(|table| table.table_name.as_str());
        assert!(names.eq(built_in.names().filter(|name| built_in.may_read(name, role))));
    }
    let named = |name: &str| as_admin.iter().find(|table| table.table_name == name).cloned().unwrap();
    let stock = json!({
        "table_name": "product_stock", "policy": "last-writer-wins", "read": "cashier", "write": "cashier",
        "members": { "quantity": { "rule": "additive", "floor": "0", "below": "flag", "repair": "manager" } },
    });
    let accounts = json!({
        "table_name": "whatsapp_accounts", "policy": "last-writer-wins", "read": "manager", "write": "admin",
        "members": {},
    });
    let returns = json!({
        "table_name": "sales_returns", "policy": "append-only", "read": "cashier", "write": "cashier",
        "members": { "status": {
            "rule": "state", "initial": ["done", "open"], "transitions": { "open": ["done", "refused"] },
            "repair": "manager",
        } },
    });
    for expected in [stock, accounts, returns] {
        let table = named(expected["table_name"].as_str().unwrap());
        assert_eq!(serde_json::to_value(table).unwrap(), expected);
    }
    assert_eq!(shop.anonymous().get("/api/sync/tables").await.unwrap().status, 401);
}
