use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use functions::dynamo::error::StoreError;

use super::*;
use crate::template::{Template, project_root};

/// Fails the first requests and executes the rest.
#[derive(Debug)]
struct FaultyTransport {
    tables: Tables,
    faults: Vec<Fault>,
    sent: AtomicUsize,
}

impl Transport for FaultyTransport {
    fn send(&self, request: Request) -> Sending {
        let execute = || self.tables.execute(&request.action, &request.body);
        let result = match self.faults.get(self.sent.fetch_add(1, Ordering::Relaxed)) {
            Some(Fault::LostResponse) => {
                execute();
                Err(Fault::LostResponse)
            }
            Some(fault) => Err(*fault),
            None => Ok(execute()),
        };
        Box::pin(std::future::ready(result))
    }
}

fn client_with(faults: &[Fault]) -> (Client, String) {
    let template = Template::read(&project_root()).unwrap();
    let tables = Tables::create(&template.tables).unwrap();
    let transport = FaultyTransport { tables, faults: faults.to_vec(), sent: AtomicUsize::new(0) };
    (client(Arc::new(transport), format!("{faults:?}")), template.tables[0].name.clone())
}

async fn put(client: &Client, table: &str) -> Result<(), StoreError> {
    let put = Put::builder().table_name(table).condition_expression("attribute_not_exists(pk)");
    let put = put.item("pk", AttributeValue::S("a".into())).item("sk", AttributeValue::S("b".into()));
    let action = TransactWriteItem::builder().put(put.build().unwrap()).build();
    let sent = client.transact_write_items().transact_items(action).send().await;
    sent.map(|_| ()).map_err(StoreError::of_transaction)
}

#[tokio::test]
async fn the_sdk_retries_and_a_lost_response_is_not_applied_twice() {
    let (client, table) = client_with(&[Fault::Refused, Fault::LostResponse]);
    put(&client, &table).await.unwrap();
    assert!(matches!(put(&client, &table).await, Err(StoreError::Lost)), "the condition holds");
}

#[tokio::test]
async fn error_responses_are_those_of_dynamodb() {
    let (client, table) = client_with(&[Fault::TransactionConflict]);
    assert!(matches!(put(&client, &table).await, Err(StoreError::Lost)));
    put(&client, &table).await.unwrap();
    let scan = client.scan().table_name(&table).send().await;
    assert!(scan.is_err(), "an unknown operation is rejected");
}
