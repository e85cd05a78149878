//! The streams that call functions (event source mappings).

use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::Reference;
use super::pattern::Pattern;

/// The stream that calls a function.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventSource {
    /// The table with the stream.
    #[serde(rename = "Stream", deserialize_with = "table")]
    pub table: String,
    /// An event passes if it matches one of these.
    #[serde(rename = "FilterCriteria", deserialize_with = "patterns")]
    pub patterns: Vec<Pattern>,
    /// Maximum number of events in one call.
    pub batch_size: usize,
    /// Maximum number of retries for a record.
    #[serde(rename = "MaximumRetryAttempts")]
    pub retries: u32,
    /// Seconds after which a record is not retried.
    #[serde(rename = "MaximumRecordAgeInSeconds")]
    pub age_secs: u64,
}

/// An entry of a function's `Events`.
#[derive(Deserialize)]
#[serde(tag = "Type", content = "Properties")]
pub(super) enum Event {
    /// A table's stream.
    DynamoDB(EventSource),
    /// A time of day. The local stack has no scheduler.
    Schedule(IgnoredAny),
}

impl Event {
    /// The event source; `None` for a schedule.
    pub(super) fn source(self) -> Option<EventSource> {
        match self {
            Event::DynamoDB(source) => Some(source),
            Event::Schedule(_) => None,
        }
    }
}

fn table<'a, D: Deserializer<'a>>(stream: D) -> Result<String, D::Error> {
    match Reference::deserialize(stream)? {
        Reference::Attribute(table, _) => Ok(table),
        Reference::Ref(_) => Err(D::Error::custom("its event must come from the stream of a table")),
    }
}

fn patterns<'a, D: Deserializer<'a>>(criteria: D) -> Result<Vec<Pattern>, D::Error> {
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
    let filters = FilterCriteria::deserialize(criteria)?.filters.into_iter();
    filters.map(|filter| Pattern::parse(&filter.pattern).map_err(D::Error::custom)).collect()
}
