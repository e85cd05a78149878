//! Converts stream records to the events that Lambda passes to a function.

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use dynoxide::actions::get_records::Record;
use serde_json::{Value, json};

use crate::template::event_source::EventSource;

/// A record that passed the filter, in Lambda's JSON.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sequence_number: String,
    /// Seconds since the epoch.
    pub(super) created: u64,
    pub(super) json: Value,
}

/// The records that pass the filter of `source`.
pub(super) fn entries(
    records: &[Record],
    source: &EventSource,
    arn: &str,
) -> Result<Vec<Entry>, serde_json::Error> {
    let mut entries = Vec::new();
    for record in records {
        let mut json = serde_json::to_value(record)?;
        if !source.patterns.iter().any(|pattern| pattern.matches(&json)) {
            continue;
        }
        // Lambda adds the ARN of the stream.
        if let Value::Object(members) = &mut json {
            members.insert("eventSourceARN".into(), Value::from(arn));
        }
        let sequence_number = record.dynamodb.sequence_number.clone();
        let created = whole_secs(record.dynamodb.approximate_creation_date_time);
        entries.push(Entry { sequence_number, created, json });
    }
    Ok(entries)
}

/// Stream records have their time in seconds, possibly with a fraction.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the fraction is not needed, and the cast saturates"
)]
fn whole_secs(time: f64) -> u64 {
    time as u64
}

pub(super) fn event(entries: &[Entry]) -> Result<Event, serde_json::Error> {
    let records: Vec<&Value> = entries.iter().map(|entry| &entry.json).collect();
    serde_json::from_value(json!({ "Records": records }))
}

/// The index of the first entry to deliver again; as in Lambda, all later ones are delivered again too. A
/// failure that names no record of the batch stands for the whole batch.
pub(super) fn first_failed(entries: &[Entry], response: &DynamoDbEventResponse) -> Option<usize> {
    let index = |name: &Option<String>| {
        let name = name.as_deref().unwrap_or_default();
        entries.iter().position(|entry| entry.sequence_number == name).unwrap_or(0)
    };
    response.batch_item_failures.iter().map(|failure| index(&failure.item_identifier)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::pattern::Pattern;
    use aws_lambda_events::dynamodb::StreamViewType;
    use dynoxide::actions::get_records::StreamRecord;
    use dynoxide::types::AttributeValue;

    fn record(pk: &str, sequence_number: &str) -> Record {
        let item = [
            ("pk".to_owned(), AttributeValue::S(pk.into())),
            ("body".to_owned(), AttributeValue::B(vec![0, 255])),
        ];
        let dynamodb = StreamRecord {
            keys: item.clone().into_iter().take(1).collect(),
            new_image: Some(item.into_iter().collect()),
            sequence_number: sequence_number.into(),
            stream_view_type: "NEW_IMAGE".into(),
            approximate_creation_date_time: 1_765_103_400.0,
            ..StreamRecord::default()
        };
        Record { event_id: "e".into(), event_name: "INSERT".into(), dynamodb, ..Record::default() }
    }

    fn source() -> EventSource {
        let pattern = r#"{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"LOG#"}]}}}}"#;
        let patterns = vec![Pattern::parse(pattern).unwrap()];
        EventSource { table: "T".into(), patterns, batch_size: 10, retries: 2, age_secs: 60 }
    }

    #[test]
    fn a_record_that_passes_the_filter_becomes_an_event_of_lambda() {
        let records = [record("ROOM#1#2", "101"), record("LOG#1#2", "102")];
        let entries = entries(&records, &source(), "arn:stream").unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].sequence_number.as_str(), entries[0].created), ("102", 1_765_103_400));
        let event = event(&entries).unwrap();
        let record = &event.records[0];
        assert_eq!((record.event_name.as_str(), record.event_id.as_str()), ("INSERT", "e"));
        assert_eq!(record.event_source_arn.as_deref(), Some("arn:stream"));
        assert_eq!(record.change.sequence_number.as_deref(), Some("102"));
        assert_eq!(record.change.stream_view_type, Some(StreamViewType::NewImage));
        let body = record.change.new_image.inner().get("body");
        assert_eq!(format!("{body:?}"), "Some(B([0, 255]))");
    }

    #[test]
    fn the_first_failure_counts_and_an_unknown_one_stands_for_all() {
        let records = [record("LOG#1", "101"), record("LOG#2", "102"), record("LOG#3", "103")];
        let entries = entries(&records, &source(), "arn").unwrap();
        let failed = |names: &[Option<&str>]| {
            let failures = names.iter().map(|name| json!({ "itemIdentifier": name })).collect::<Vec<_>>();
            let response = serde_json::from_value(json!({ "batchItemFailures": failures })).unwrap();
            first_failed(&entries, &response)
        };
        assert_eq!(failed(&[]), None);
        assert_eq!(failed(&[Some("103"), Some("102")]), Some(1));
        assert_eq!(failed(&[Some("103"), Some("999")]), Some(0));
        assert_eq!(failed(&[None]), Some(0));
    }
}
