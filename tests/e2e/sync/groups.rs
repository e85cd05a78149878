//! Pushes that wait in one room are committed together, each with its own answer.

use std::collections::BTreeSet;
use std::time::Duration;

use local::dynamo::faults::Faults;
use protocol::limits::GROUP_PUSHES_MAX;
use protocol::stamp::Stamp;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::{Reply, Units};
use tests::fleet;
use tokio::time::sleep;

use crate::shop::{Shop, before_now, hall, product, with};
use crate::sync::broadcast::Listener;
use crate::till::Till;

trials! {
    shared:
    waiting_pushes_are_one_transaction_and_each_gets_its_own_answer,
    a_batch_that_waits_twice_is_applied_once,
    a_push_of_a_group_is_as_early_as_it_arrived,
    pushes_of_a_device_keep_their_order,
    a_group_that_does_not_fit_a_transaction_is_split,
    pushes_without_a_batch_id_and_large_ones_go_alone,
}

/// How long the write that has the turn takes, while the others arrive.
pub(super) const BLOCKED: Duration = Duration::from_millis(2600);
/// Time between two arrivals, so that their order is known.
const ARRIVAL: Duration = Duration::from_millis(100);

/// What came of pushes that waited together.
pub(super) struct Waited {
    pub(super) replies: Vec<Reply>,
    /// Attempts to commit them.
    pub(super) transactions: u64,
    /// Reads of what they write.
    pub(super) reads: u64,
}

/// Sends the batches in their order while another write has the turn. `meanwhile` runs before the turn ends.
pub(super) async fn wait_together(
    shop: &'static Shop,
    batches: Vec<(Till, Value)>,
    meanwhile: impl AsyncFnOnce(),
) -> Waited {
    let blocker = shop.till("blocker").await;
    wait_behind(blocker, &shop.world.dynamo_faults, &shop.dynamo_scope(), batches, meanwhile).await
}

/// The same behind a write of `blocker`, in a room whose requests to DynamoDB contain `scope`.
pub(super) async fn wait_behind(
    blocker: Till,
    faults: &Faults,
    scope: &str,
    batches: Vec<(Till, Value)>,
    meanwhile: impl AsyncFnOnce(),
) -> Waited {
    let id = format!("blocker-{}", fleet::batch_id());
    let watch = faults.watch(scope);
    // A read and a write.
    faults.delay(&id, BLOCKED / 2);
    let batch = blocker.batch(Some("blocker"), &[product(&id, &json!({}))]);
    let blocking = tokio::spawn(async move { blocker.push_raw(&batch).await });
    // The write is on its way to DynamoDB.
    sleep(BLOCKED / 4).await;
    let mut running = Vec::new();
    for (till, batch) in batches {
        running.push(tokio::spawn(async move { till.push_raw(&batch).await }));
        sleep(ARRIVAL).await;
    }
    meanwhile().await;
    assert!(!blocking.is_finished(), "the pushes did not wait");
    assert_eq!(blocking.await.unwrap().status.as_u16(), 200);
    faults.clear(&id);
    let mut replies = Vec::new();
    for reply in running {
        replies.push(reply.await.unwrap());
    }
    // Without those of the blocker.
    let count = |action| watch.count(action) - 1;
    Waited { replies, transactions: count("TransactWriteItems"), reads: count("BatchGetItem") }
}

pub(super) async fn tills(shop: &'static Shop, count: usize) -> Vec<Till> {
    let mut tills = Vec::new();
    for i in 0..count {
        tills.push(shop.till(&format!("till-{i}")).await);
    }
    tills
}

pub(super) fn accepted(reply: &Reply) -> PushResponse {
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.body);
    reply.ok().unwrap()
}

pub(super) fn create(id: &str) -> Value {
    with(product(id, &json!({ "n": 1 })), "base_version", 0)
}

/// Each till's batch of one new record of its own.
pub(super) fn one_each(tills: &[Till]) -> Vec<(Till, Value)> {
    let batch = |till: &Till| till.batch(Some("b1"), &[create(&format!("p-{}", till.device))]);
    tills.iter().map(|till| (till.clone(), batch(till))).collect()
}

/// Each batch is answered as before when it is sent again, and its record was written once.
pub(super) async fn assert_applied_once(batches: &[(Till, Value)]) {
    for (till, batch) in batches {
        let response = till.push_batch(batch).await;
        assert!(response.applied.iter().all(|applied| applied.version == 1), "{response:?}");
    }
    let reader = &batches[0].0;
    let changes = reader.pull_all(Stamp::ZERO, 100).await;
    assert_eq!(changes.len(), batches.len() + 1, "the batches and the blocker");
}

async fn waiting_pushes_are_one_transaction_and_each_gets_its_own_answer(shop: &'static Shop) {
    let tills = tills(shop, GROUP_PUSHES_MAX).await;
    let reader = shop.till("reader").await;
    let mut listener = Listener::open(&reader.api, &reader.device).await;
    // A record of its own, a sale out of one stock, a record that all create, and an unknown table.
    let sale = with(product("s", &json!({"quantity": {"$delta": "-2"}})), "table_name", "product_stock");
    let unknown = with(product("u", &json!({})), "table_name", "unknown");
    let records = |till: &Till| [create(&till.device), sale.clone(), create("shared"), unknown.clone()];
    let batches: Vec<_> =
        tills.iter().map(|till| (till.clone(), till.batch(Some("b1"), &records(till)))).collect();
    let Waited { replies, transactions, reads } = wait_together(shop, batches.clone(), async || {}).await;
    // What the pushes are decided on, and the counts, since some records are rejected.
    assert_eq!((transactions, reads), (1, 2));

    let responses: Vec<PushResponse> = replies.iter().map(accepted).collect();
    for (i, response) in responses.iter().enumerate() {
        assert_eq!((response.applied[0].index, response.applied[0].version), (0, 1));
        assert_eq!((response.applied[1].index, response.applied[1].version), (1, i as u64 + 1));
        let sum = response.applied[1].data.as_ref().unwrap().as_str();
        assert_eq!(sum, format!(r#"{{"quantity":-{}}}"#, 2 * (i + 1)));
        // The first one creates the shared record; the others conflict with it.
        let is_first = i == 0;
        assert_eq!(
            (response.applied.len(), response.conflicts.len()),
            if is_first { (3, 0) } else { (2, 1) }
        );
        assert_eq!(response.errors[0].code, "unknown_table");
    }
    // Each push continues after the one before it, in the order of arrival.
    assert!(responses.windows(2).all(|pair| pair[1].prev == pair[0].stamp));
    let ids: Vec<_> = replies.iter().map(|reply| reply.headers["x-request-id"].clone()).collect();
    assert!(ids.iter().enumerate().all(|(i, id)| !ids[..i].contains(id)));
    // A client cannot tell from the headers whether its push waited.
    let names = |reply: &Reply| reply.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
    let alone = tills[0].push_raw(&tills[0].batch(Some("b2"), &[create("alone")])).await;
    assert!(replies.iter().all(|reply| names(reply) == names(&alone)));
    // Two reads and one transaction for all, and each has its share of the units.
    let units = replies.iter().map(Reply::cost).fold(Units::default(), Units::plus);
    for cost in replies.iter().map(Reply::cost) {
        assert_eq!(cost.requests, 3);
        assert!(0 < cost.write_tenths && cost.write_tenths * 4 < units.write_tenths);
    }

    // The room is told in commit order, each change once.
    let changes = reader.pull_all(Stamp::ZERO, 100).await;
    let mut position = Stamp::ZERO;
    for change in &changes {
        let frame = listener.next_sync().await;
        assert_eq!((frame.prev, frame.stamp), (position, change.stamp));
        position = frame.stamp;
    }
    assert_eq!(position, accepted(&alone).stamp);
    // Each has its marker, and a retry gets the same answer.
    for ((till, batch), first) in batches.iter().zip(&responses) {
        let again = till.push_batch(batch).await;
        assert_eq!((again.prev, again.stamp), (first.prev, first.stamp));
        assert_eq!(again.applied.len(), first.applied.len());
    }
    assert_eq!(reader.pull_all(position, 100).await.len(), 0);
}

async fn a_batch_that_waits_twice_is_applied_once(shop: &'static Shop) {
    let batches = one_each(&tills(shop, 3).await);
    let twice = batches.iter().chain(&batches).map(|(till, batch)| (till.clone(), batch.clone())).collect();
    let replies = wait_together(shop, twice, async || {}).await.replies;
    let responses: Vec<PushResponse> = replies.iter().map(accepted).collect();
    for (first, second) in responses.iter().zip(&responses[batches.len()..]) {
        assert_eq!((first.prev, first.stamp), (second.prev, second.stamp));
    }
    assert_applied_once(&batches).await;
}

async fn a_push_of_a_group_is_as_early_as_it_arrived(shop: &'static Shop) {
    let (one, tills) = (shop.till("till-9").await, tills(shop, 3).await);
    let mut batches = one_each(&tills);
    // A clock that is a year late, and says so.
    let clock = before_now(365 * 24 * 3600).to_string();
    for (_, batch) in &mut batches[1..] {
        batch["device_time"] = clock.clone().into();
    }
    // Its write is later than this one at the time of the commit, but not at its arrival.
    let late = with(hall("h1", &json!({ "by": 2 })), "local_updated_at", clock.clone());
    batches[1].1["records"] = vec![late].into();
    let at = fleet::now().plus_secs(2).to_string();
    one.push(&[with(hall("h1", &json!({ "by": 1 })), "local_updated_at", at)]).await;
    let Waited { replies, transactions, .. } = wait_together(shop, batches, async || {}).await;
    assert_eq!(transactions, 1);
    let responses: Vec<PushResponse> = replies.iter().map(accepted).collect();
    assert_eq!(responses[1].conflicts[0].reason, "newer_on_server");
    assert_eq!((responses[0].synced_count, responses[2].synced_count), (1, 1));
}

async fn pushes_of_a_device_keep_their_order(shop: &'static Shop) {
    let tills = tills(shop, 3).await;
    let mut batches = one_each(&tills);
    let next = with(product("p-till-0", &json!({ "n": 2 })), "base_version", 1);
    batches.insert(2, (tills[0].clone(), tills[0].batch(Some("b2"), &[next])));
    let Waited { replies, transactions, .. } = wait_together(shop, batches, async || {}).await;
    // The second push of till-0 begins another group.
    assert_eq!(transactions, 2);
    let responses: Vec<PushResponse> = replies.iter().map(accepted).collect();
    assert_eq!((responses[0].applied[0].version, responses[2].applied[0].version), (1, 2));
    assert!(responses.windows(2).all(|pair| pair[1].prev == pair[0].stamp), "in the order of arrival");
}

async fn a_group_that_does_not_fit_a_transaction_is_split(shop: &'static Shop) {
    let tills = tills(shop, GROUP_PUSHES_MAX).await;
    // The first limit is that of actions in a transaction, the second one that of items in a read.
    for (records, transactions) in [(18, 2), (24, 3)] {
        let record = |till: &Till, i| create(&format!("{}-{records}-{i}", till.device));
        let batch = |till: &Till| {
            let records: Vec<Value> = (0..records).map(|i| record(till, i)).collect();
            (till.clone(), till.batch(Some(&format!("of {}", records.len())), &records))
        };
        let batches = tills.iter().map(batch).collect();
        let waited = wait_behind(
            shop.till(&format!("blocker-{records}")).await,
            &shop.world.dynamo_faults,
            &shop.dynamo_scope(),
            batches,
            async || {},
        )
        .await;
        assert_eq!(waited.transactions, transactions, "{records} records");
        let responses: Vec<PushResponse> = waited.replies.iter().map(accepted).collect();
        assert!(responses.iter().all(|response| response.synced_count == records));
        assert!(responses.windows(2).all(|pair| pair[1].prev == pair[0].stamp), "in the order of arrival");
    }
}

async fn pushes_without_a_batch_id_and_large_ones_go_alone(shop: &'static Shop) {
    let tills = tills(shop, 6).await;
    let mut batches = one_each(&tills);
    batches[1].1["batch_id"] = Value::Null;
    batches[3].1["records"][0]["data"]["note"] = "x".repeat(20_000).into();
    let Waited { replies, transactions, .. } = wait_together(shop, batches, async || {}).await;
    replies.iter().for_each(|reply| drop(accepted(reply)));
    // The first; the one without an id; the third; the large one; the last two together.
    assert_eq!(transactions, 5);
    assert_eq!(tills[0].pull_all(Stamp::ZERO, 100).await.len(), tills.len() + 1);
}
