//! Everything but the edge, which a few lines stand in for: what workerd and wrangler add is tested end to
//! end, by the crate `tests`.

use std::time::Duration;

use functions::store::Store;
use functions::store::cost::Cost;
use hyper::StatusCode;
use protocol::stamp::Stamp;
use serde_json::{Value, json};
use sync::stats::Feed;

use super::*;
use crate::dynamo::faults::Fault;
use crate::function_host::faults::HostFault;
use crate::handlers::HandlersError;

mod fake_edge;
mod signed;
mod street;

use street::Street;

/// Long enough for anything that should happen, with all cores busy.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for something that should not happen to show.
const A_WHILE: Duration = Duration::from_millis(300);

fn batch(id: &str) -> Value {
    let record = json!({
        "table_name": "products", "record_id": format!("product-of-{id}"), "data": { "price": 1 },
        "local_updated_at": "2025-12-07T10:30:00Z", "base_version": 0,
    });
    json!({ "device_id": "d1", "batch_id": id, "records": [record] })
}

#[tokio::test]
async fn only_what_the_edge_has_signed_reaches_a_function() {
    let street = Street::start().await;
    let url = street.host.url();
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = plain.post(format!("{url}/auth/api/auth/login")).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(answer.text().await.unwrap(), r#"{"Message":"Forbidden"}"#);
    let answer = plain.get(format!("{url}/other/")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer =
        street.call("POST", "/auth/api/auth/login", "", vec![b' '; 6 * 1024 * 1024 + 1]).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);

    let token = street.sign_in("c1").await;
    let answer =
        street.call("GET", "/pull-changes/api/sync/pull-changes?limit=5", &token, vec![]).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    street.stop().await;
}

#[tokio::test]
async fn a_push_reaches_the_edge_through_the_stream_until_the_edge_takes_it() {
    let mut street = Street::start().await;
    let token = street.sign_in("c1").await;
    street.edge.answer_with(StatusCode::SERVICE_UNAVAILABLE);
    let pushed = street.push(&token, &batch("b1")).await.unwrap();
    assert_eq!(pushed["publications"].as_array().unwrap().len(), 1);
    for _ in 0..3 {
        let published = street.edge.next(PATIENCE).await.unwrap();
        assert_eq!(published["publications"], pushed["publications"]);
    }
    street.edge.answer_with(StatusCode::NO_CONTENT);
    assert!(street.edge.next(PATIENCE).await.is_some());
    street.edge.wait_until_quiet(A_WHILE, PATIENCE).await;

    // A restart goes on where the last run was, and loses nothing of what came meanwhile.
    let mut street = street.without_stream().await;
    let pushed = street.push(&token, &batch("b2")).await.unwrap();
    street.start_stream();
    let published = street.edge.next(PATIENCE).await.unwrap();
    assert_eq!(published["publications"], pushed["publications"]);
    assert_eq!(street.edge.next(A_WHILE).await, None);

    street.stream().pause();
    street.push(&token, &batch("b3")).await.unwrap();
    assert_eq!(street.edge.next(A_WHILE).await, None);
    street.stream().resume();
    assert!(street.edge.next(PATIENCE).await.is_some());
    street.stop().await;
}

#[tokio::test]
async fn faults_meet_their_client_and_nobody_else() {
    let street = Street::start().await;
    let (unlucky, lucky) = (street.sign_in("c1").await, street.sign_in("c2").await);
    let faults = street.host.faults();
    let watch = street.dynamo.faults().watch("#c1#");

    faults.inject("c1", HostFault::Down, 1);
    faults.inject("c1", HostFault::Status(502), 1);
    street.push(&lucky, &batch("b1")).await.unwrap();
    assert!(street.push(&unlucky, &batch("b1")).await.is_none());
    let answer = street.call("POST", "/batch-push/api/sync/batch-push", &unlucky, vec![]).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(watch.total(), 0);

    // The function has done its work all the same, so that the retry is a replay.
    faults.inject("c1", HostFault::LostAnswer, 1);
    assert!(street.push(&unlucky, &batch("b1")).await.is_none());
    assert_eq!(watch.count("TransactWriteItems"), 1);
    let pushed = street.push(&unlucky, &batch("b1")).await.unwrap();
    assert_eq!(pushed["answer"]["synced_count"], 1);
    assert_eq!(watch.count("TransactWriteItems"), 1);

    faults.cut_fast_path("c1");
    let pushed = street.push(&unlucky, &batch("b2")).await.unwrap();
    assert_eq!(pushed["publications"], json!([]));
    let pushed = street.push(&lucky, &batch("b2")).await.unwrap();
    assert_eq!(pushed["publications"].as_array().unwrap().len(), 1);
    street.stop().await;
}

/// An address of Redis that nobody is asked at.
const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn a_name_that_the_template_forgot_is_missed_here_already() {
    let text = std::fs::read_to_string(project::root().join("template.yaml")).unwrap();
    let start = text.find("          ACCESS_KID:").unwrap();
    let end = start + text[start..].find('\n').unwrap();
    let template = Template::parse(&text.replace(&text[start..end], "")).unwrap();
    let dir = DataDir::temporary().unwrap();
    let settings = settings::functions(&Keys::load_or_make(dir.path()).unwrap(), 1, NOWHERE, None);
    let dynamo = Dynamo::start(None, &template.tables).unwrap();
    let error = Handlers::new(&template, &dynamo, &settings).err().unwrap();
    assert!(matches!(error, HandlersError::Config { name: "auth", .. }));
    assert!(error.to_string().contains("ACCESS_KID is not set"), "{error}");
    dynamo.stop().await;
}

#[tokio::test]
async fn a_file_of_tables_that_says_nonsense_is_refused_with_the_line_and_the_reason() {
    let template = Template::read(&project::root()).unwrap();
    let dir = DataDir::temporary().unwrap();
    let keys = Keys::load_or_make(dir.path()).unwrap();
    let dynamo = Dynamo::start(None, &template.tables).unwrap();
    let file = dir.path().join("tables.toml");
    let start = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Handlers::new(&template, &dynamo, &settings::functions(&keys, 1, NOWHERE, Some(&file)))
    };
    assert!(start("[parrots]\npolicy = \"append-only\"\n").is_ok());
    let error = start("[parrots]\npolicy = \"best\"\n").err().unwrap().to_string();
    for part in ["failed to start batch-push", "TABLES_FILE is wrong", "line 2", "best"] {
        assert!(error.contains(part), "{error}");
    }
    dynamo.stop().await;
}

#[tokio::test]
async fn how_far_a_room_was_told_is_noted_and_never_goes_back() {
    let mut street = Street::start().await;
    let (token, room) = (street.sign_in("c1").await, "c1:b".parse().unwrap());
    let store = Store::new(street.dynamo.client(Identity::Owner), "SyncTable".into());
    let feed = async || store.head_and_feed(&room, &mut Cost::default()).await.unwrap();
    // It cannot be noted at first: the commit comes again, until it can.
    street.dynamo.faults().inject("ROOM#c1#", "UpdateItem", Fault::Refused, 3);
    street.push(&token, &batch("b1")).await.unwrap();
    for _ in 0..2 {
        assert!(street.edge.next(PATIENCE).await.is_some());
    }
    street.edge.wait_until_quiet(A_WHILE, PATIENCE).await;
    let (head, told) = feed().await;
    assert_eq!((told.stamp, told.changes), (head.stamp, head.changes));
    assert_eq!(told.changes, 1);

    let earlier = Feed { stamp: Stamp(told.stamp.0 - 1), changes: 0 };
    store.delivered(&room, earlier, &mut Cost::default()).await.unwrap();
    assert_eq!(feed().await.1, told);
    street.stop().await;
}
