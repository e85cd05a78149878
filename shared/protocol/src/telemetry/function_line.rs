//! The line of a function about a request, in CloudWatch's embedded metric format: CloudWatch Logs makes
//! metrics of its numbers, and keeps the line.

use serde::{Deserialize, Serialize};

use crate::ids::ClientId;

/// A line about a request that a function has handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionLine {
    /// Tells CloudWatch what to count.
    #[serde(rename = "_aws")]
    metadata: Metadata,
    /// The edge's id of the request.
    pub request_id: String,
    /// The trace that it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The operation id of the endpoint.
    pub route: String,
    /// The HTTP status; a text, as values of dimensions are.
    pub status: String,
    /// The header `Tillsync-Cache` of the response, or `none`.
    pub cache: String,
    /// The tenant, if the token is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// From its arrival to its response.
    pub duration_micros: u64,
    /// How many pushes the call has answered together. What they have consumed is shared among their lines;
    /// duration and requests are those of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_pushes: Option<u64>,
    /// The part of its time in which requests to DynamoDB were under way, or its share.
    pub storage_micros: u64,
    /// Its requests to DynamoDB.
    pub storage_requests: u64,
    /// The write capacity that it consumed, or its share, in tenths of a unit.
    pub write_tenths: u64,
    /// The read capacity that it consumed, or its share, in tenths of a unit.
    pub read_tenths: u64,
}

/// The metadata of the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// Milliseconds since the epoch.
    timestamp: u64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    dimensions: Vec<Vec<String>>,
    metrics: Vec<Metric>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: String,
    unit: String,
}

/// The namespace of the metrics.
const NAMESPACE: &str = "tillsync";
/// The value of the dimension `cache` without a cache.
pub const NO_CACHE: &str = "none";

impl Metadata {
    /// Requests are counted by route, status and cache; what they use is only summed by route, because
    /// CloudWatch bills each combination as a metric.
    fn at(millis: u64) -> Metadata {
        let metric =
            |(name, unit): &(&str, &str)| Metric { name: (*name).to_owned(), unit: (*unit).to_owned() };
        let directive = |dimensions: &[&str], metrics: &[(&str, &str)]| Directive {
            namespace: NAMESPACE.to_owned(),
            dimensions: vec![dimensions.iter().map(|name| (*name).to_owned()).collect()],
            metrics: metrics.iter().map(metric).collect(),
        };
        Metadata {
            timestamp: millis,
            cloud_watch_metrics: vec![
                directive(&["route", "status", "cache"], &[("duration_micros", "Microseconds")]),
                directive(
                    &["route"],
                    &[
                        ("storage_micros", "Microseconds"),
                        ("storage_requests", "Count"),
                        ("write_tenths", "Count"),
                        ("read_tenths", "Count"),
                    ],
                ),
            ],
        }
    }
}

impl FunctionLine {
    /// A line of a request that arrived at `millis` since the epoch; its numbers are 0.
    pub fn new(request_id: &str, route: &str, status: u16, millis: u64) -> FunctionLine {
        FunctionLine {
            metadata: Metadata::at(millis),
            request_id: request_id.to_owned(),
            trace_id: None,
            route: route.to_owned(),
            status: status.to_string(),
            cache: NO_CACHE.to_owned(),
            client: None,
            duration_micros: 0,
            group_pushes: None,
            storage_micros: 0,
            storage_requests: 0,
            write_tenths: 0,
            read_tenths: 0,
        }
    }

    /// The line as text, without a line break.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
