//! The stack with a fake edge. The crate `tests` tests it with workerd and wrangler.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::http::StatusCode;
use functions::dynamo::cost::Cost;
use functions::limits::ROOM_PUBLISH_SECS;
use functions::sync::store::Store;
use protocol::stamp::Stamp;
use serde_json::{Value, json};
use sync::stats::{Feed, RoomFigures};

use super::*;
use crate::dynamo::faults::Fault;
use crate::function_host::faults::HostFault;
use crate::handlers::HandlersError;

mod fake_edge;
mod fixture;

use fixture::Fixture;

/// Long enough for an expected event, even when all cores are busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to notice an unexpected event.
const QUIET: Duration = Duration::from_millis(300);

fn batch(id: &str) -> Value {
    let record = json!({
        "table_name": "products", "record_id": format!("product-of-{id}"), "data": { "price": 1 },
        "local_updated_at": "2025-12-07T10:30:00Z", "base_version": 0,
    });
    json!({ "device_id": "d1", "batch_id": id, "records": [record] })
}

#[tokio::test]
async fn only_signed_requests_reach_a_function() {
    let fixture = Fixture::start().await;
    let url = fixture.host.url();
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = plain.post(format!("{url}/auth/logIn")).body("{}").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.text().await.unwrap(), r#"{"Message":"Forbidden"}"#);
    let response = plain.get(format!("{url}/other/")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let response = fixture.call("POST", "/auth/logIn", "", vec![b' '; 6 * 1024 * 1024 + 1]).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);

    let token = fixture.sign_in("c1").await;
    let response = fixture.call("GET", "/pull-changes/pullChanges?limit=5", &token, vec![]).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn the_stream_delivers_a_push_until_the_edge_accepts_it() {
    let mut fixture = Fixture::start().await;
    let token = fixture.sign_in("c1").await;
    fixture.edge.respond_with(StatusCode::SERVICE_UNAVAILABLE);
    let pushed = fixture.push(&token, &batch("b1")).await.unwrap();
    assert_eq!(pushed["publications"].as_array().unwrap().len(), 1);
    for _ in 0..3 {
        let published = fixture.edge.next(PATIENCE).await.unwrap();
        assert_eq!(published["publications"], pushed["publications"]);
    }
    fixture.edge.respond_with(StatusCode::NO_CONTENT);
    assert!(fixture.edge.next(PATIENCE).await.is_some());
    fixture.edge.wait_until_quiet(QUIET, PATIENCE).await;

    // A restart continues at the stored position and delivers what was pushed meanwhile.
    let mut fixture = fixture.without_stream().await;
    let pushed = fixture.push(&token, &batch("b2")).await.unwrap();
    fixture.start_stream();
    let published = fixture.edge.next(PATIENCE).await.unwrap();
    assert_eq!(published["publications"], pushed["publications"]);
    assert_eq!(fixture.edge.next(QUIET).await, None);

    fixture.stream().pause();
    fixture.push(&token, &batch("b3")).await.unwrap();
    assert_eq!(fixture.edge.next(QUIET).await, None);
    fixture.stream().resume();
    assert!(fixture.edge.next(PATIENCE).await.is_some());
    fixture.stop().await;
}

/// The client of the next publication within `patience`.
async fn next_client(fixture: &mut Fixture, patience: Duration) -> Option<String> {
    let published = fixture.edge.next(patience).await?;
    Some(published["publications"][0]["client_id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_room_that_does_not_answer_holds_up_no_other_and_is_told_later() {
    let mut fixture = Fixture::start().await;
    let (silent, other) = (fixture.sign_in("c1").await, fixture.sign_in("c2").await);
    fixture.edge.silence(Some("c1"));
    // The other room waits once, for the bound of one room.
    let bound = Duration::from_secs(ROOM_PUBLISH_SECS);
    fixture.push(&silent, &batch("b1")).await.unwrap();
    fixture.push(&other, &batch("b1")).await.unwrap();
    assert_eq!(next_client(&mut fixture, 2 * bound).await.as_deref(), Some("c2"));
    // The shard may still wait for the silent room; then that room is left alone.
    for (id, patience) in [("b2", 2 * bound), ("b3", bound / 2)] {
        fixture.push(&silent, &batch(id)).await.unwrap();
        fixture.push(&other, &batch(id)).await.unwrap();
        assert_eq!(next_client(&mut fixture, patience).await.as_deref(), Some("c2"), "{id}");
    }
    fixture.edge.silence(None);
    let mut told = Vec::new();
    while told.len() < 3 {
        let published = fixture.edge.next(2 * bound).await.expect("the room is told");
        assert_eq!(published["publications"][0]["client_id"], "c1");
        told.extend(published["publications"].as_array().unwrap().iter().map(|part| part["prev"].clone()));
    }
    assert_eq!(told[0], 0, "from where it stood");
    fixture.edge.wait_until_quiet(2 * QUIET, PATIENCE).await;
    fixture.stop().await;
}

#[tokio::test]
async fn a_damaged_log_item_is_kept_aside_and_holds_up_nothing() {
    let mut fixture = Fixture::start().await;
    let token = fixture.sign_in("c1").await;
    let client = fixture.dynamo.client(Identity::Owner);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let damaged = client.put_item().table_name("SyncTable").item("pk", text("LOG#c2#b"));
    damaged.item("sk", text("0000000000000007")).item("body", text("?")).send().await.unwrap();
    fixture.push(&token, &batch("b1")).await.unwrap();
    assert_eq!(next_client(&mut fixture, PATIENCE).await.as_deref(), Some("c1"));
    for function in ["change-stream", "cache-invalidate"] {
        let skipped = async || {
            let query = client.query().table_name("SyncTable").key_condition_expression("pk = :pk");
            let query = query.expression_attribute_values(":pk", text(&format!("SKIPPED#{function}")));
            query.send().await.unwrap().items.unwrap()
        };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while skipped().await.is_empty() {
            assert!(tokio::time::Instant::now() < deadline, "{function} skips nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let kept = skipped().await;
        assert_eq!((kept.len(), &kept[0]["item_pk"]), (1, &text("LOG#c2#b")), "{function}");
        assert_eq!(kept[0]["item_sk"], text("0000000000000007"));
    }
    // The room's statistics count it.
    let store = Store::new(client.clone(), "SyncTable".into());
    let room = "c2:b".parse().unwrap();
    let figures = store.figures(&room, functions::start::now(), &mut Cost::default()).await.unwrap();
    assert_eq!(figures.damaged, 1);
    fixture.stop().await;
}

#[tokio::test]
async fn faults_apply_only_to_their_client() {
    let fixture = Fixture::start().await;
    let (unlucky, lucky) = (fixture.sign_in("c1").await, fixture.sign_in("c2").await);
    let faults = fixture.host.faults();
    let watch = fixture.dynamo.faults().watch("#c1#");

    faults.inject("c1", HostFault::Down, 1);
    faults.inject("c1", HostFault::Status(502), 1);
    fixture.push(&lucky, &batch("b1")).await.unwrap();
    assert!(fixture.push(&unlucky, &batch("b1")).await.is_none());
    let response = fixture.call("POST", "/batch-push/pushBatch", &unlucky, vec![]).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(watch.total(), 0);

    // The function has committed, so the retry is a replay.
    faults.inject("c1", HostFault::LostResponse, 1);
    assert!(fixture.push(&unlucky, &batch("b1")).await.is_none());
    assert_eq!(watch.count("TransactWriteItems"), 1);
    let pushed = fixture.push(&unlucky, &batch("b1")).await.unwrap();
    assert_eq!(pushed["answer"]["synced_count"], 1);
    assert_eq!(watch.count("TransactWriteItems"), 1);

    faults.cut_fast_path("c1");
    let pushed = fixture.push(&unlucky, &batch("b2")).await.unwrap();
    assert_eq!(pushed["publications"], json!([]));
    let pushed = fixture.push(&lucky, &batch("b2")).await.unwrap();
    assert_eq!(pushed["publications"].as_array().unwrap().len(), 1);
    fixture.stop().await;
}

/// An address without a Redis.
const NO_REDIS: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn a_variable_that_the_template_lacks_is_reported() {
    let text = std::fs::read_to_string(project_root().join("template.yaml")).unwrap();
    let start = text.find("          ACCESS_KID:").unwrap();
    let end = start + text[start..].find('\n').unwrap();
    let template = Template::parse(&text.replace(&text[start..end], "")).unwrap();
    let dir = DataDir::temporary().unwrap();
    let settings = settings::functions(&Keys::load_or_make(dir.path()).unwrap(), 1, NO_REDIS, None);
    let dynamo = Dynamo::start(None, &template.tables).unwrap();
    let error = Handlers::new(&template, &dynamo, &settings, Telemetry::default()).err().unwrap();
    assert!(matches!(error, HandlersError::Config { name: "auth", .. }));
    assert!(error.to_string().contains("ACCESS_KID is not set"), "{error}");
    dynamo.stop().await;
}

#[tokio::test]
async fn a_bad_tables_file_is_reported_with_line_and_reason() {
    let template = Template::read(&project_root()).unwrap();
    let dir = DataDir::temporary().unwrap();
    let keys = Keys::load_or_make(dir.path()).unwrap();
    let dynamo = Dynamo::start(None, &template.tables).unwrap();
    let file = dir.path().join("tables.toml");
    let start = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let settings = settings::functions(&keys, 1, NO_REDIS, Some(&file));
        Handlers::new(&template, &dynamo, &settings, Telemetry::default())
    };
    assert!(start("[parrots]\npolicy = \"append-only\"\n").is_ok());
    let error = start("[parrots]\npolicy = \"best\"\n").err().unwrap().to_string();
    for part in ["failed to start batch-push", "TABLES_FILE is wrong", "line 2", "best"] {
        assert!(error.contains(part), "{error}");
    }
    dynamo.stop().await;
}

#[tokio::test]
async fn the_delivered_position_of_a_room_is_stored_and_never_decreases() {
    let mut fixture = Fixture::start().await;
    let (token, room) = (fixture.sign_in("c1").await, "c1:b".parse().unwrap());
    let store = Store::new(fixture.dynamo.client(Identity::Owner), "SyncTable".into());
    let figures = async || store.figures(&room, functions::start::now(), &mut Cost::default()).await.unwrap();
    // The position cannot be stored at first, so the commit is delivered again.
    fixture.dynamo.faults().inject("ROOM#c1#", "UpdateItem", Fault::Refused, 3);
    fixture.push(&token, &batch("b1")).await.unwrap();
    for _ in 0..2 {
        assert!(fixture.edge.next(PATIENCE).await.is_some());
    }
    fixture.edge.wait_until_quiet(QUIET, PATIENCE).await;
    let RoomFigures { head, feed: told, .. } = figures().await;
    assert_eq!((told.stamp, told.changes), (head.stamp, head.changes));
    assert_eq!(told.changes, 1);

    let earlier = Feed { stamp: Stamp(told.stamp.0 - 1), changes: 0 };
    store.delivered(&room, earlier, &mut Cost::default()).await.unwrap();
    assert_eq!(figures().await.feed, told);
    fixture.stop().await;
}
