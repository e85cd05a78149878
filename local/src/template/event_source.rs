//! The streams that call functions (event source mappings).

use serde::Deserialize;
use serde_json::Value;

use super::pattern::Pattern;
use super::{Reference, TemplateError};

/// The stream that calls a function.
#[derive(Debug)]
pub struct EventSource {
    /// The table with the stream.
    pub table: String,
    /// An event passes if it matches one of these.
    pub patterns: Vec<Pattern>,
    /// Maximum number of events in one call.
    pub batch_size: usize,
    /// Maximum number of retries for a record.
    pub retries: u32,
    /// Seconds after which a record is not retried.
    pub age_secs: u64,
}

/// An entry of a function's `Events`.
#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
pub(super) enum Event {
    /// A table's stream.
    DynamoDB(EventProperties),
    /// A time of day. The local stack has no scheduler.
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
    /// The event source; `None` for a schedule.
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
