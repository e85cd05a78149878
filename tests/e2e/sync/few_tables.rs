//! Pulls of few tables cost what these tables cost, and not the log of all others.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use functions::dynamo::item::{Item, key};
use functions::sync::keys;
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use serde_json::{Value, json};
use tests::api::Units;

use crate::shop::{Shop, before_now, hall, product};
use crate::till::Till;

trials! {
    shared:
    a_quiet_table_costs_two_units_however_long_the_log_is,
    stamps_of_a_release_that_does_not_write_them_are_not_believed,
    dynamo_bills_a_query_for_whole_items,
}

/// Commits of other tables.
const COMMITS: usize = 60;

/// Text that hardly compresses; another one for each `i`.
fn note(i: usize) -> String {
    let mixed =
        |part: u128| (3 * i as u128 + part + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    (0..3).map(|part| format!("{:x}", mixed(part))).collect()
}

/// A product, and then a long log of halls. Returns the stamp of the product.
async fn long_log(shop: &'static Shop) -> Stamp {
    shop.till("till-1").await;
    let product = shop.push_at(&[product("p1", &json!({}))], before_now(300)).await.stamp;
    for commit in 0..COMMITS {
        let row = |i: usize| hall(&format!("h{commit}-{i}"), &json!({ "note": note(20 * commit + i) }));
        let halls: Vec<Value> = (0..20).map(row).collect();
        shop.push_at(&halls, before_now(200 - commit as u64)).await;
    }
    product
}

/// A page and its cost.
async fn page(till: &Till, query: &str) -> (PullResponse, Units) {
    let reply = till.pull_raw(query).await;
    (reply.ok().unwrap(), reply.cost())
}

async fn a_quiet_table_costs_two_units_however_long_the_log_is(shop: &'static Shop) {
    let product = long_log(shop).await;
    let till = shop.till("till-2").await;
    let since = format!("since={}&limit=1000", product.0);
    let (all, whole) = page(&till, &since).await;
    assert!(all.changes.len() >= 1000 && whole.read_tenths > 100, "{whole:?}");
    // HEAD, and one item of the log, which shows that the position is of this history.
    let (quiet, cost) = page(&till, &format!("{since}&tables=products")).await;
    assert_eq!((quiet.changes.len(), quiet.has_more, quiet.mode.as_str()), (0, false, "changes"));
    assert_eq!((cost.requests, cost.read_tenths), (2, 20));
    // A time is of every history: HEAD alone.
    let since_time = format!("since={}&tables=products", product.time());
    let (none, cost) = page(&till, &since_time).await;
    assert_eq!((none.changes.len(), none.has_more, cost.requests, cost.read_tenths), (0, false, 1, 10));
    // At HEAD the till stands where every other does.
    let (end, _) = page(&till, &format!("cursor={}&tables=products", quiet.next_cursor)).await;
    assert_eq!((end.stamp, end.changes.len()), (quiet.stamp, 0));
    // From before its change, the page has the change and leads to HEAD without reading the rest of the log.
    let (one, cost) = page(&till, "since=0&limit=10&tables=products").await;
    assert_eq!((one.changes.len(), one.has_more, one.stamp), (1, false, quiet.stamp));
    assert!(cost.read_tenths < whole.read_tenths / 4, "{cost:?}");
    let changed = till.push(&[product_of(&till)]).await.stamp;
    let (news, _) = page(&till, &format!("cursor={}&tables=products", quiet.next_cursor)).await;
    assert_eq!((news.changes.len(), news.stamp), (1, changed));
}

fn product_of(till: &Till) -> Value {
    product("p2", &json!({ "by": till.device }))
}

async fn head(shop: &Shop) -> Item {
    let request = shop.world.dynamo.get_item().table_name(&shop.world.table).consistent_read(true);
    let key = key(keys::room(&shop.room("1")), keys::HEAD);
    request.set_key(Some(key)).send().await.unwrap().item.unwrap()
}

/// The release before moves HEAD, and leaves the attribute as it was.
async fn stamps_of_a_release_that_does_not_write_them_are_not_believed(shop: &'static Shop) {
    let till = shop.till("till-1").await;
    till.push(&[product("p1", &json!({}))]).await;
    let before = till.push(&[hall("h1", &json!({}))]).await.stamp;
    let stale = head(shop).await["table_stamps"].clone();
    till.push(&[product("p2", &json!({}))]).await;
    let request = shop.world.dynamo.update_item().table_name(&shop.world.table);
    let request = request.set_key(Some(key(keys::room(&shop.room("1")), keys::HEAD)));
    let request = request.update_expression("SET table_stamps = :stale");
    request.expression_attribute_values(":stale", stale).send().await.unwrap();
    let query = format!("since={}&tables=products", before.0);
    let (page_of_products, _) = page(&till, &query).await;
    assert_eq!(page_of_products.changes.len(), 1);
    // The next commit writes stamps again, and knows nothing of those that it did not see.
    till.push(&[hall("h2", &json!({}))]).await;
    let (page_of_products, _) = page(&till, &query).await;
    assert_eq!(page_of_products.changes.len(), 1);
}

/// Why HEAD has the stamps, and a pull does not just filter the log by the names in its items.
async fn dynamo_bills_a_query_for_whole_items(shop: &'static Shop) {
    long_log(shop).await;
    let query = async |change: fn(Query) -> Query| {
        let query = shop.world.dynamo.query().table_name(&shop.world.table).consistent_read(true);
        let pk = AttributeValue::S(keys::log(&shop.room("1")));
        let query = query.key_condition_expression("pk = :pk").expression_attribute_values(":pk", pk);
        let query = change(query).return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = query.send().await.unwrap();
        (output.count, output.consumed_capacity.unwrap().capacity_units.unwrap())
    };
    let (count, whole) = query(|query| query).await;
    assert!(usize::try_from(count).unwrap() > COMMITS && whole > 10.0, "{count} items for {whole} units");
    assert_eq!(query(|query| query.projection_expression("prev")).await, (count, whole));
    let filtered = |query: Query| {
        let products = AttributeValue::S("products".into());
        let query = query.filter_expression("contains(#tables, :products)");
        query
            .expression_attribute_names("#tables", "tables")
            .expression_attribute_values(":products", products)
    };
    assert_eq!(query(filtered).await, (1, whole));
}

type Query = aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
