//! Limits of the cache.

use protocol::limits::READ_RECORDS_MAX;
use redis_client::limits::{REDIS_REQUEST_BYTES_MAX, REDIS_TOTAL_MILLIS};

/// Milliseconds one try of the cache's requests to Redis may take: the source answers in less than this wastes.
pub const CACHE_TRY_MILLIS: u64 = 150;
/// Milliseconds a request of the cache to Redis may take with all its tries and pauses.
pub const CACHE_TOTAL_MILLIS: u64 = 200;
/// Bytes of the content of one cached entry; a larger one is loaded each time.
pub const CACHE_ENTRY_BYTES_MAX: usize = 256 * 1024;
/// Seconds a tag's stamp is kept: longer than any entry, so that entries seldom end by it.
pub const CACHE_TAG_SECS: u64 = 24 * 3600;
/// Milliseconds a lock is held by a process that says nothing more: less than the shortest entry is fresh.
pub const CACHE_LEASE_MILLIS: u64 = 3000;
/// How often a reader looks again while another process loads what it wants, before it loads by itself.
pub const CACHE_LOOKUPS_MAX: u32 = 4;
/// Milliseconds between these looks.
pub const CACHE_LOOKUP_PAUSE_MILLIS: u64 = 50;
/// How often a reader that waited for another's load is disappointed before it loads by itself.
pub const CACHE_TURNS_MAX: u32 = 2;
/// Milliseconds within which a process answers from its own memory while Redis is away: by so much is such an answer
/// late, since nobody can invalidate it.
pub const CACHE_MEMORY_MILLIS: u64 = 3000;
/// Entries in this memory.
pub const CACHE_MEMORY_ENTRIES_MAX: usize = 1000;
/// Bytes of content in this memory.
pub const CACHE_MEMORY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Entries that are read at once.
pub const CACHE_BATCH_MAX: usize = 100;
/// How often a writer puts back what it should not have replaced, before it leaves nothing.
pub const CACHE_PUT_BACKS_MAX: u32 = 8;
/// Keys that one step of a scan looks at.
pub const CACHE_SCAN_KEYS: u32 = 500;
/// Steps of a scan in one call; the next call goes on from there.
pub const CACHE_SCAN_STEPS_MAX: u32 = 10;
/// Seconds for which it is remembered where the next call goes on; after that it begins anew.
pub const CACHE_MAINTENANCE_SECS: u64 = 7 * 24 * 3600;
/// Days after which a day's counts are folded: until then a process that slept may write what it had counted.
pub const CACHE_COMPACT_DAYS_BEFORE: u64 = 2;
/// Days whose counts are folded, from then on back: the maintenance may take as long to come by.
pub const CACHE_COMPACT_DAYS: u64 = 7;
/// Reads after which the counts are due to be written.
pub const CACHE_FLUSH_READS: u64 = 100;
/// Seconds after which they are due, if there were fewer.
pub const CACHE_FLUSH_SECS: u64 = 10;
/// Commands that one flush may send for every [`CACHE_FLUSH_READS`] reads: 0.02 for each.
pub const CACHE_FLUSH_COMMANDS: u64 = 2;
/// Commands that a flush may send after [`CACHE_FLUSH_SECS`] in any case: a quiet process may be gone soon, and what it
/// has not written with it.
pub const CACHE_FLUSH_QUIET_COMMANDS: u64 = 32;
/// Clients that one process counts the reads of, on one day.
pub const CACHE_TALLIES_MAX: usize = 4096;
/// Seconds the counts of a day are kept: 35 days.
pub const CACHE_STATISTICS_SECS: u64 = 35 * 24 * 3600;
/// Keys of each step that maintenance measures.
pub const CACHE_SAMPLES: usize = 20;
/// Largest keys that maintenance names.
pub const CACHE_LARGEST_KEYS: usize = 10;

// An attempt of the cache fits its call, and the call is no longer than other calls.
const _: () = assert!(CACHE_TRY_MILLIS <= CACHE_TOTAL_MILLIS && CACHE_TOTAL_MILLIS <= REDIS_TOTAL_MILLIS);
// The largest entry fits a request: a JSON string may double, an encrypted value grows by a third.
const _: () = assert!(2 * CACHE_ENTRY_BYTES_MAX + 4096 < REDIS_REQUEST_BYTES_MAX);
// One batch read of records is one batch read of the cache.
const _: () = assert!(READ_RECORDS_MAX <= CACHE_BATCH_MAX);
// A reader that waits for a lease gives up before the lease expires.
const _: () = assert!(CACHE_LOOKUPS_MAX as u64 * CACHE_LOOKUP_PAUSE_MILLIS < CACHE_LEASE_MILLIS);
