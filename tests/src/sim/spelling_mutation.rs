//! The mutation that compares data as it is spelled: a row that only differs in its spelling is read as a row
//! with other data. Only for append-only tables, where the server then rejects the write and stores nothing.

use model::{member, table_rule};
use protocol::wire::push::{PushRecord, PushRequest};
use serde_json::Value;

use super::event_log::EventLog;
use super::mutation::Mutation;
use super::storage;

/// Changes the stored records in `response` that `call` sends in another spelling.
pub(crate) fn mutate(mutation: Mutation, log: &EventLog, call: u64, response: &mut String) {
    if mutation != Mutation::ComparedSpellings || !response.contains("\"REC#") {
        return;
    }
    let pushed = log.entries().calls.get(&call).map(|call| call.body.clone());
    let pushed = pushed.and_then(|body| serde_json::from_str::<PushRequest>(&body).ok());
    let (Some(pushed), Ok(mut body)) = (pushed, serde_json::from_str::<Value>(response)) else { return };
    let tables = body.get_mut("Responses").and_then(Value::as_object_mut).into_iter().flatten();
    for item in tables.flat_map(|(_, items)| items.as_array_mut()).flatten() {
        let key = item.pointer("/sk/S").and_then(Value::as_str).and_then(storage::record_key);
        let Some((table, id)) = key.filter(|(table, _)| is_append_only(table)) else { continue };
        let Some(stored) = item.pointer_mut("/data/S") else { continue };
        let is_about = |record: &&PushRecord| record.table_name == table && record.record_id == id;
        let mut sent = pushed.records.iter().filter(is_about).filter_map(|record| record.data.as_ref());
        if stored.as_str().is_some_and(|stored| sent.any(|sent| is_respelled(sent.as_str(), stored))) {
            *stored = Value::from(r#"{"another spelling":true}"#);
        }
    }
    *response = body.to_string();
}

fn is_append_only(table: &str) -> bool {
    table_rule(table).is_some_and(|rule| rule.is_append_only())
}

fn is_respelled(sent: &str, stored: &str) -> bool {
    sent != stored && member::canonical(sent) == member::canonical(stored)
}
