//! `/readyz` names the parts that do not respond; `/healthz` asks none of them.

use std::sync::Arc;

use functions::sync::keys;
use local::dynamo::faults::Fault;
use local::function_host::faults::{HostFault, NO_CLIENT};
use serde_json::{Value, json};
use tests::api::Api;
use tests::openapi::check::Checker;
use tests::wait::poll;

use crate::changed_edge::{ChangedEdge, with_observed_rooms};
use crate::redis::gone::{Outage, begin_outage, end_outage};
use crate::replies::{assert_error, json as body};
use crate::shop::Shop;
use crate::world::LONG_PATIENCE;

trials! {
    exclusive:
    without_redis_or_dynamodb_the_edge_is_degraded,
    without_functions_or_rooms_the_edge_is_not_ready,
}

const PARTS: [&str; 4] = ["redis", "function", "database", "room"];
/// More failures than a test waits for.
const UNTIL_LIFTED: u32 = 1000;

/// The report, once it has this status and exactly these parts do not respond.
async fn without(api: &Api, status: u16, missing: &[&str]) -> Value {
    let report = async || {
        let reply = api.get("/readyz").await.unwrap();
        let mut report = body(&reply);
        if reply.status != 200 {
            report = assert_error(&reply, 503, "unavailable")["details"].take();
        }
        (reply.status.as_u16(), report)
    };
    let is_there = |(seen, report): &(u16, Value)| {
        let gone = PARTS.into_iter().filter(|part| report[part]["reachable"] == false);
        *seen == status && gone.eq(missing.iter().copied())
    };
    let (_, report) = poll(LONG_PATIENCE, report, is_there).await.unwrap();
    assert_eq!(report["status"], if missing.is_empty() { "ok" } else { "degraded" });
    for part in PARTS {
        let (latency, is_missing) = (&report[part]["latency_micros"], missing.contains(&part));
        assert_eq!(latency.is_null(), is_missing, "{part}: {report}");
    }
    assert_eq!(api.get("/healthz").await.unwrap().body, r#"{"status":"ok"}"#);
    report
}

async fn without_redis_or_dynamodb_the_edge_is_degraded(shop: &'static Shop) {
    let api = shop.anonymous();
    let redis = &without(&api, 200, &[]).await["redis"];
    assert_eq!((&redis["reachable"], &redis["breaker"]), (&json!(true), &json!("closed")));
    assert!(redis["used_memory_bytes"].as_u64().unwrap() > 0, "{redis}");
    begin_outage(shop, Outage::Dead).await;
    // Every request but those about the cache itself works.
    without(&api, 200, &["redis"]).await;
    end_outage(shop, Outage::Dead).await;
    without(&api, 200, &[]).await;
    // DynamoDB away, through a function that answers.
    let faults = &shop.world.dynamo_faults;
    faults.inject(keys::HEALTH, "GetItem", Fault::Refused, UNTIL_LIFTED);
    without(&api, 503, &["database"]).await;
    faults.clear(keys::HEALTH);
    without(&api, 200, &[]).await;
}

async fn without_functions_or_rooms_the_edge_is_not_ready(_: &'static Shop) {
    let edge = ChangedEdge::start(with_observed_rooms).await;
    let api = Api::new(edge.stack.edge_url()).unwrap().held_to(Arc::new(Checker::new().unwrap()));
    for fault in ["throw", "hang"] {
        without(&api, 200, &[]).await;
        edge.observe::<Value>(&format!("fail/{fault}"), "readiness").await;
        without(&api, 503, &["room"]).await;
        edge.observe::<Value>("fail/no", "readiness").await;
    }
    without(&api, 200, &[]).await;
    edge.stack.host_faults().inject(NO_CLIENT, HostFault::Down, UNTIL_LIFTED);
    // Nothing is known of DynamoDB then.
    without(&api, 503, &["function", "database"]).await;
    edge.stop().await;
}
