use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::data_dir::DataDir;
use crate::dynamo::faults::{ANY_ACTION, Fault};
use crate::template::{Template, project_root};

fn template() -> Template {
    Template::read(&project_root()).unwrap()
}

fn start(file: Option<&Path>) -> Dynamo {
    Dynamo::start(file, &template().tables).unwrap()
}

/// A client with the role of `name`.
fn function(dynamo: &Dynamo, name: &str) -> Client {
    let grants = template().functions[name].grants.clone();
    dynamo.client(Identity::Function { name: name.into(), grants })
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn put(pk: &str) -> TransactWriteItem {
    let put = Put::builder().table_name("SyncTable").item("pk", text(pk)).item("sk", text("HEAD"));
    TransactWriteItem::builder().put(put.build().unwrap()).build()
}

async fn exists(dynamo: &Dynamo, pk: &str) -> bool {
    let get = dynamo.client(Identity::Owner).get_item().table_name("SyncTable");
    get.key("pk", text(pk)).key("sk", text("HEAD")).send().await.unwrap().item.is_some()
}

#[tokio::test]
async fn a_role_allows_exactly_what_the_template_grants() {
    let dynamo = start(None);
    let push = function(&dynamo, "batch-push");
    push.transact_write_items().transact_items(put("ROOM#c1#b")).send().await.unwrap();
    assert!(dynamo.faults().denied().is_empty());

    let error = push.delete_item().table_name("SyncTable").key("pk", text("a")).key("sk", text("b"));
    let error = error.send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("AccessDeniedException"));
    let pull = function(&dynamo, "pull-changes");
    let error = pull.transact_write_items().transact_items(put("ROOM#c2#b")).send().await.unwrap_err();
    assert_eq!(error.into_service_error().meta().code(), Some("AccessDeniedException"));
    assert!(!exists(&dynamo, "ROOM#c2#b").await);
    let denied = dynamo.faults().denied();
    assert!(denied[0].contains("batch-push") && denied[0].contains("DeleteItem on SyncTable"), "{denied:?}");
    assert!(denied[1].contains("pull-changes") && denied[1].contains("PutItem"), "{denied:?}");
    dynamo.stop().await;
}

#[tokio::test]
async fn the_sdk_takes_injected_faults_for_real_ones() {
    let dynamo = start(None);
    let client = function(&dynamo, "batch-push");
    let watch = dynamo.faults().watch("ROOM#c1#");
    let send = |pk: &str| client.transact_write_items().transact_items(put(pk)).send();

    dynamo.faults().inject("ROOM#c1#", "TransactWriteItems", Fault::TransactionConflict, 1);
    let error = send("ROOM#c1#a").await.unwrap_err().into_service_error();
    let reasons = match error {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            canceled,
        ) => canceled.cancellation_reasons.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reasons[0].code(), Some("TransactionConflict"));
    assert!(!exists(&dynamo, "ROOM#c1#a").await);

    // The SDK makes three attempts. The transaction is executed.
    dynamo.faults().inject("ROOM#c1#", ANY_ACTION, Fault::LostResponse, 3);
    assert!(send("ROOM#c1#b").await.is_err());
    assert!(exists(&dynamo, "ROOM#c1#b").await);

    dynamo.faults().inject("ROOM#c1#", ANY_ACTION, Fault::Refused, 3);
    let started = Instant::now();
    assert!(send("ROOM#c1#d").await.is_err());
    assert!(started.elapsed() < Duration::from_secs(8));
    assert!(!exists(&dynamo, "ROOM#c1#d").await);

    // The SDK retries a throttled request by itself.
    dynamo.faults().inject("ROOM#c1#", ANY_ACTION, Fault::Throttled, 1);
    send("ROOM#c1#e").await.unwrap();
    assert_eq!(watch.count("TransactWriteItems"), 1 + 3 + 3 + 2);
    dynamo.stop().await;
}

#[tokio::test]
async fn a_file_keeps_its_items_over_a_restart() {
    let dir = DataDir::temporary().unwrap();
    let file = dir.path().join("dynamo.sqlite");
    let dynamo = start(Some(&file));
    let client = function(&dynamo, "batch-push");
    client.transact_write_items().transact_items(put("ROOM#c1#b")).send().await.unwrap();
    dynamo.stop().await;
    let dynamo = start(Some(&file));
    assert!(exists(&dynamo, "ROOM#c1#b").await);
    // The database and SQLite's files beside it.
    let mut databases = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
        databases += u32::from(entry.file_name().to_string_lossy().starts_with("dynamo.sqlite"));
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", entry.path());
    }
    assert_eq!(databases, 3);
    dynamo.stop().await;
}

#[tokio::test]
async fn the_endpoint_answers_programs_on_loopback_and_no_page_of_a_browser() {
    let dynamo = start(None);
    let address: SocketAddr = dynamo.url().strip_prefix("http://").unwrap().parse().unwrap();
    assert!(address.ip().is_loopback());
    let status = async |host: &str, more: &str| {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: DynamoDB_20120810.ListTables\r\n\
             Content-Type: application/x-amz-json-1.0\r\n{more}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(!response.to_lowercase().contains("access-control-allow-origin"), "{response}");
        assert_eq!(response.contains("SyncTable"), response.contains(" 200 "), "{response}");
        response[9..12].to_owned()
    };
    assert_eq!(status(&address.to_string(), "").await, "200");
    assert_eq!(status(&address.to_string(), "Origin: https://example.com\r\n").await, "403");
    // A name that an attacker points at loopback.
    assert_eq!(status(&format!("rebound.example.com:{}", address.port()), "").await, "403");
    dynamo.stop().await;
}
