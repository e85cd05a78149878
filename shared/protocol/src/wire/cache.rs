//! `GET /api/cache/report`, `GET /api/cache/stats`, `POST /api/cache/invalidate` and `POST /api/cache/warm`.

use serde::{Deserialize, Serialize};

use crate::ids::BranchId;
use crate::wire::health::BreakerState;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// Statistics of a client's cache on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheReportResponse {
    /// The day, in UTC: `2025-12-07`.
    pub day: String,
    /// All kinds together.
    pub total: CacheFigures,
    /// Each kind with at least one read.
    pub kinds: Vec<KindFigures>,
    /// Statistics of Redis; `null` if it does not report any.
    pub redis: Option<RedisFigures>,
}

/// The state of the connection to Redis, and the cache statistics of a client today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheStatsResponse {
    /// The time of the statistics.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub at: String,
    /// The circuit breaker: `closed` lets requests to Redis through, `open` does not, `half_open` lets one
    /// through as a test.
    pub breaker: BreakerState,
    /// Microseconds of the last response of Redis; `null` before the first.
    pub latency_micros: Option<u64>,
    /// All kinds together.
    pub total: CacheFigures,
    /// Each kind with at least one read.
    pub kinds: Vec<KindFigures>,
}

/// Statistics of one kind of entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KindFigures {
    /// The kind: `product`, `record`, `user`, `cart` or `stats`.
    pub kind: String,
    /// Its statistics.
    #[serde(flatten)]
    pub figures: CacheFigures,
}

/// Counters. `requests` is the sum of `hits`, `stale`, `memory` and `misses`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheFigures {
    /// Reads.
    pub requests: u64,
    /// Served from a fresh entry.
    pub hits: u64,
    /// Served from a stale entry while it was reloaded.
    pub stale: u64,
    /// Served from process memory while Redis was unreachable.
    pub memory: u64,
    /// Served from the source.
    pub misses: u64,
    /// Share of the reads that were not misses, in thousandths.
    pub hit_permille: u64,
    /// Mean duration of a read in microseconds.
    pub mean_response_micros: u64,
    /// Mean duration of a load from the source in microseconds.
    pub mean_load_micros: u64,
    /// Failed requests to Redis.
    pub errors: u64,
    /// Failed loads from the source.
    pub failures: u64,
    /// Entries that could not be decoded.
    pub damaged: u64,
}

/// Statistics of Redis as it reports them. All tenants share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedisFigures {
    /// Seconds since it started.
    pub uptime_secs: Option<u64>,
    /// Bytes of memory in use.
    pub used_memory_bytes: Option<u64>,
    /// Limit of its memory in bytes; `null` if unlimited.
    pub max_memory_bytes: Option<u64>,
    /// Keys found since it started.
    pub keyspace_hits: Option<u64>,
    /// Keys not found since it started.
    pub keyspace_misses: Option<u64>,
    /// Keys evicted to free memory.
    pub evicted_keys: Option<u64>,
}

/// The body of `POST /api/cache/invalidate`: removes all entries of the client, or those that match.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object")]
pub struct InvalidateRequest {
    /// Only entries of this kind: `product` or `record` (both mean all records; `pattern` selects a table),
    /// `user`, `cart` or `stats`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only entries whose names match this Redis glob: `<branch>:<table>:<id>`, `<user>`, `<branch>:<cart>`
    /// or `<branch>`, where every character except `A-Z a-z 0-9 - _ .` is percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// `next_cursor` of the previous response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Progress of an invalidation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InvalidateResponse {
    /// Removed keys.
    pub removed: u64,
    /// Where to continue; `null` when done.
    pub next_cursor: Option<String>,
}

/// The body of `POST /api/cache/warm`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `table_name`")]
pub struct WarmRequest {
    /// The table to load into the cache.
    pub table_name: String,
    /// The branch: the caller's own, or for a super admin any of its client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// `next_cursor` of the previous response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Progress of a warm-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WarmResponse {
    /// Records looked up in the cache.
    pub looked: u64,
    /// Records that were missing and are cached now.
    pub stored: u64,
    /// Where to continue; `null` when done.
    pub next_cursor: Option<String>,
}
