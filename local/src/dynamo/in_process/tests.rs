use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use functions::store::error::StoreError;

use super::*;
use crate::template::Template;

/// Fails the first requests and carries the rest.
#[derive(Debug)]
struct Bumpy {
    tables: Tables,
    faults: Vec<Fault>,
    sent: AtomicUsize,
}

impl Line for Bumpy {
    fn carry(&self, request: Request) -> Carrying {
        let carried = match self.faults.get(self.sent.fetch_add(1, Ordering::Relaxed)) {
            Some(Fault::LostAnswer) => {
                self.tables.execute(&request.action, &request.body);
                Carried::Failed(Fault::LostAnswer)
            }
            Some(fault) => Carried::Failed(*fault),
            None => Carried::Answered(self.tables.execute(&request.action, &request.body)),
        };
        Box::pin(std::future::ready(carried))
    }
}

fn over(faults: &[Fault]) -> (Client, String) {
    let template = Template::read(&crate::project::root()).unwrap();
    let tables = Tables::create(&template.tables).unwrap();
    let line = Bumpy { tables, faults: faults.to_vec(), sent: AtomicUsize::new(0) };
    (client(Arc::new(line), format!("{faults:?}")), template.tables[0].name.clone())
}

async fn put(client: &Client, table: &str) -> Result<(), StoreError> {
    let put = Put::builder().table_name(table).condition_expression("attribute_not_exists(pk)");
    let put = put.item("pk", AttributeValue::S("a".into())).item("sk", AttributeValue::S("b".into()));
    let action = TransactWriteItem::builder().put(put.build().unwrap()).build();
    let sent = client.transact_write_items().transact_items(action).send().await;
    sent.map(|_| ()).map_err(StoreError::of_transaction)
}

#[tokio::test]
async fn the_sdk_retries_over_it_and_a_lost_answer_is_not_applied_twice() {
    let (client, table) = over(&[Fault::Refused, Fault::LostAnswer]);
    put(&client, &table).await.unwrap();
    assert!(matches!(put(&client, &table).await, Err(StoreError::Lost)), "the condition holds");
}

#[tokio::test]
async fn refusals_are_those_of_dynamodb() {
    let (client, table) = over(&[Fault::TransactionConflict]);
    assert!(matches!(put(&client, &table).await, Err(StoreError::Lost)));
    put(&client, &table).await.unwrap();
    let scan = client.scan().table_name(&table).send().await;
    assert!(scan.is_err(), "what is not known here is refused");
}
