//! Tables with a window: a new till gets the records of the last days, and older ones by asking.

use protocol::endpoints::function::Function;
use protocol::json::JsonText;
use protocol::role::Role;
use protocol::timestamp::{DAY_SECS, Timestamp};
use protocol::wire::pull::PullResponse;
use protocol::wire::record::RecordResponse;
use protocol::wire::stats::TablesResponse;
use serde_json::{Value, json};
use tests::till::state::State;

use crate::shop::{Shop, before_now, hall, product, with};
use crate::sync::absence::{expire_log, live, week_later};
use crate::sync::deployments::Version;

trials! {
    shared:
    a_new_till_gets_the_window_and_older_records_by_asking,
    a_till_that_follows_keeps_what_leaves_the_window,
}

const TABLES: &str = r#"
[halls]
policy = "last-writer-wins"

[products]
policy = "field-merge"
window_days = 30
"#;

/// Asks for all products, beside a till's own pulls.
const ALL_PRODUCTS: &str = "since=9007199254740991&tables=products&whole=products";

/// A product and a hall of forty days ago, and a product of now; the log has expired.
async fn shop_with_old_records(shop: &'static Shop) -> Version {
    shop.till("till-1").await;
    let version = Version::new(shop, TABLES);
    let then = before_now(40 * DAY_SECS);
    let written = |record: Value| with(record, "local_updated_at", then.to_string());
    let old = [written(product("old", &json!({ "n": 1 }))), written(hall("hall", &json!({})))];
    version.push_at(Role::Cashier, "till-1", &old, then).await;
    version.push(Role::Cashier, "till-1", &[product("new", &json!({}))]).await;
    version
}

/// Pulls with `parameters` until there are no more pages. Returns their modes.
async fn catch_up(version: &Version, till: &mut State, parameters: &str, now: Timestamp) -> Vec<String> {
    let mut modes = Vec::new();
    loop {
        let query = format!("{}{parameters}&limit=1", till.pull_query());
        let page: PullResponse = version.page(Role::Cashier, &query, now).await;
        modes.push(page.mode.clone());
        if !till.take_page(&page).more {
            return modes;
        }
    }
}

async fn a_new_till_gets_the_window_and_older_records_by_asking(shop: &'static Shop) {
    let version = shop_with_old_records(shop).await;
    expire_log(shop, &shop.room("1"), |_| true).await;
    let now = week_later();
    let mut till = State::default();
    assert!(catch_up(&version, &mut till, "", now).await.iter().all(|mode| mode == "snapshot"));
    assert_eq!(live(&till), ["hall", "new"], "halls have no window");
    assert_eq!(catch_up(&version, &mut till, "", now).await, ["changes"]);
    // By id, and all of a table beside the till's own pulls.
    let old: RecordResponse =
        shop.till("till-2").await.api.get("/api/data/products/old").await.unwrap().ok().unwrap();
    assert_eq!(old.data.as_str(), r#"{"n":1}"#);
    let page = version.page(Role::Cashier, ALL_PRODUCTS, now).await;
    let ids: Vec<&str> = page.changes.iter().map(|change| change.record_id.as_str()).collect();
    assert_eq!((ids, page.mode.as_str()), (vec!["new", "old"], "snapshot"));
    // Or in the till's own pulls, from now on.
    assert_eq!(catch_up(&version, &mut till, "&whole=products", now).await[0], "snapshot");
    assert_eq!(live(&till), ["hall", "new", "old"]);
    assert_eq!(catch_up(&version, &mut till, "&whole=products", now).await, ["changes"], "only once");
    assert_eq!(catch_up(&version, &mut till, "", now).await[0], "snapshot");
    assert_eq!(live(&till), ["hall", "new"]);
    let (status, body) = version.pull(Role::Cashier, "whole=nonsense", now).await;
    assert_eq!((status, body.contains("unknown_table")), (400, true), "{body}");
    let (_, body) = version.call(Role::Cashier, Function::SyncStats, "/listTables", "", now).await;
    let windows: Vec<Option<u32>> = serde_json::from_str::<TablesResponse>(&body)
        .unwrap()
        .tables
        .iter()
        .map(|table| table.window_days)
        .collect();
    assert_eq!(windows, [None, Some(30)]);
}

async fn a_till_that_follows_keeps_what_leaves_the_window(shop: &'static Shop) {
    let version = shop_with_old_records(shop).await;
    let mut till = State::default();
    // The log still has everything: more than the window.
    assert!(catch_up(&version, &mut till, "", week_later()).await.iter().all(|mode| mode == "changes"));
    assert_eq!(live(&till), ["hall", "new", "old"]);
    let later = week_later().plus_secs(60 * DAY_SECS);
    version.push_at(Role::Cashier, "till-1", &[product("newer", &json!({}))], later).await;
    catch_up(&version, &mut till, "", later).await;
    assert_eq!(live(&till), ["hall", "new", "newer", "old"]);
    // A change brings a record back into the window of every till.
    expire_log(shop, &shop.room("1"), |_| true).await;
    let later = later.plus_secs(60);
    let mut fresh = State::default();
    catch_up(&version, &mut fresh, "", later.plus_secs(60)).await;
    assert_eq!(live(&fresh), ["hall", "newer"]);
    version
        .push_at(Role::Cashier, "till-1", &[product("old", &json!({ "n": 2 }))], later.plus_secs(90))
        .await;
    catch_up(&version, &mut fresh, "", later.plus_secs(90)).await;
    assert_eq!(live(&fresh), ["hall", "newer", "old"]);
    let row = fresh.rows.get("products", "old").unwrap();
    assert_eq!(row.data, JsonText::from_text(r#"{"n":2}"#.to_owned()).unwrap());
}
