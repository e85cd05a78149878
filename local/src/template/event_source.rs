//! Streams that call functions.

use serde::Deserialize;
use serde_json::Value;

use super::pattern::Pattern;
use super::{Reference, TemplateError};

/// A stream as the source of events.
#[derive(Debug)]
pub struct EventSource {
    /// Whose stream it is.
    pub table: String,
    /// An event passes if it matches any of these.
    pub patterns: Vec<Pattern>,
    /// Events in one call, at most.
    pub batch_size: usize,
    /// How often a record that failed comes again.
    pub retries: u32,
    /// Seconds after which a record is given up.
    pub age_secs: u64,
}

/// An entry of a function's `Events`.
#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
pub(super) enum Event {
    /// A table's stream.
    DynamoDB(EventProperties),
    /// A time of day. Nothing calls the function here but who wants it called.
    Schedule(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EventProperties {
    stream: Value,
    filter_criteria: FilterCriteria,
    batch_size: usize,
    maximum_retry_attempts: u32,
    maximum_record_age_in_seconds: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FilterCriteria {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    pattern: String,
}

impl Event {
    /// The stream, and what of it is delivered; none, if it is not a stream that calls.
    pub(super) fn source(self, id: &str) -> Result<Option<EventSource>, TemplateError> {
        let Event::DynamoDB(properties) = self else { return Ok(None) };
        let Some(Reference::Attribute(table, _)) = Reference::read(&properties.stream) else {
            return Err(TemplateError::resource(id, "its event must come from the stream of a table"));
        };
        let filters = properties.filter_criteria.filters.iter();
        let patterns = filters.map(|filter| Pattern::parse(&filter.pattern)).collect::<Result<_, _>>();
        Ok(Some(EventSource {
            table,
            patterns: patterns.map_err(|error| TemplateError::resource(id, error))?,
            batch_size: properties.batch_size,
            retries: properties.maximum_retry_attempts,
            age_secs: properties.maximum_record_age_in_seconds,
        }))
    }
}
