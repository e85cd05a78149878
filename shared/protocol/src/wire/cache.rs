//! `GET /api/cache/report`, `GET /api/cache/stats`, `POST /api/cache/invalidate` and `POST /api/cache/warm`.

use serde::{Deserialize, Serialize};

use crate::ids::BranchId;
use crate::wire::health::BreakerState;
#[cfg(feature = "schema")]
use crate::wire::schema;

/// What the cache did for a client on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheReport {
    /// The day, in UTC: `2025-12-07`.
    pub day: String,
    /// All kinds together.
    pub total: CacheFigures,
    /// Each kind that was read.
    pub kinds: Vec<KindFigures>,
    /// Redis by its own account; `null` if it does not say.
    pub redis: Option<RedisFigures>,
}

/// How the cache stands with Redis, and what it did for a client today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheStatsResponse {
    /// When this was so.
    #[cfg_attr(feature = "schema", schemars(with = "schema::Time"))]
    pub at: String,
    /// Whether requests to Redis are let through: `closed` (they are), `open`, or `half_open` (one, to see).
    pub breaker: BreakerState,
    /// Microseconds that Redis's last answer took; `null` before the first.
    pub latency_micros: Option<u64>,
    /// All kinds together.
    pub total: CacheFigures,
    /// Each kind that was read.
    pub kinds: Vec<KindFigures>,
}

/// The figures of one kind of entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KindFigures {
    /// Which: `product`, `record`, `user`, `cart` or `stats`.
    pub kind: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: CacheFigures,
}

/// What was counted. `requests` is the sum of `hits`, `stale`, `memory` and `misses`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheFigures {
    /// Reads.
    pub requests: u64,
    /// Answered from a fresh entry.
    pub hits: u64,
    /// Answered from an entry past its time, while it was loaded anew.
    pub stale: u64,
    /// Answered from a process's memory, while Redis was away.
    pub memory: u64,
    /// Answered from the source.
    pub misses: u64,
    /// Thousandths of the reads that were not misses.
    pub hit_permille: u64,
    /// Microseconds that a read took on average.
    pub mean_response_micros: u64,
    /// Microseconds that the source took on average.
    pub mean_load_micros: u64,
    /// Times that Redis did not answer.
    pub errors: u64,
    /// Times that the source failed.
    pub failures: u64,
    /// Entries that could not be read.
    pub damaged: u64,
}

/// Redis by its own account, as far as it tells. All tenants share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RedisFigures {
    /// Seconds since it started.
    pub uptime_secs: Option<u64>,
    /// Bytes of memory in use.
    pub used_memory_bytes: Option<u64>,
    /// Bytes it may use; `null` if there is no bound.
    pub max_memory_bytes: Option<u64>,
    /// Keys it found, ever since it started.
    pub keyspace_hits: Option<u64>,
    /// Keys it did not find.
    pub keyspace_misses: Option<u64>,
    /// Keys it removed to make room.
    pub evicted_keys: Option<u64>,
}

/// The body of `POST /api/cache/invalidate`: everything of the client, or what a pattern says.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object")]
pub struct Invalidate {
    /// Only entries of this kind: `product` or `record` (both are all records; the pattern names a table), `user`, `cart`
    /// or `stats`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only those whose names match, by Redis's globs: `<branch>:<table>:<id>`, `<user>`, `<branch>:<cart>` or `<branch>`, in which
    /// every character but `A-Z a-z 0-9 - _ .` is percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Goes on where the answer before stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How far an invalidation came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Invalidated {
    /// Keys that were removed.
    pub removed: u64,
    /// Where to go on; `null` if all is done.
    pub next_cursor: Option<String>,
}

/// The body of `POST /api/cache/warm`.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(expecting = "an object with `table_name`")]
pub struct Warm {
    /// The table whose records are to be in the cache.
    pub table_name: String,
    /// The branch; only a super admin names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_id: Option<BranchId>,
    /// Goes on where the answer before stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How far a warm-up came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CacheWarmResponse {
    /// Records that it looked for in the cache.
    pub looked: u64,
    /// Those among them that were not there, and are now.
    pub stored: u64,
    /// Where to go on; `null` if all is done.
    pub next_cursor: Option<String>,
}
