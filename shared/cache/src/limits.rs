//! Limits of the cache.

use protocol::limits::READ_RECORDS_MAX;
use redis_client::limits::{REDIS_REQUEST_BYTES_MAX, REDIS_TOTAL_MILLIS};

/// Milliseconds of one try of the cache's requests to Redis. The source would respond in less time than a
/// longer wait.
pub const CACHE_TRY_MILLIS: u64 = 150;
/// Milliseconds of a request of the cache to Redis with all its tries and pauses.
pub const CACHE_TOTAL_MILLIS: u64 = 200;
/// Bytes of the content of one entry; larger content is not stored.
pub const CACHE_ENTRY_BYTES_MAX: usize = 256 * 1024;
/// Seconds for which a tag's version is kept: longer than any entry, so that entries are rarely invalid
/// because of it.
pub const CACHE_TAG_SECS: u64 = 24 * 3600;
/// Milliseconds for which a lock is held: less than the shortest entry is fresh.
pub const CACHE_LEASE_MILLIS: u64 = 3000;
/// Lookups of a reader while another process loads its entry, before it loads by itself.
pub const CACHE_LOOKUPS_MAX: u32 = 4;
/// Milliseconds between these lookups.
pub const CACHE_LOOKUP_PAUSE_MILLIS: u64 = 50;
/// Times that a reader waits in vain for another reader's load, before it loads by itself.
pub const CACHE_TURNS_MAX: u32 = 2;
/// Milliseconds for which a process answers from its own memory while Redis is down. Such an answer may be
/// out of date by as much, because other processes cannot invalidate it.
pub const CACHE_MEMORY_MILLIS: u64 = 3000;
/// Entries in this memory.
pub const CACHE_MEMORY_ENTRIES_MAX: usize = 1000;
/// Bytes of content in this memory.
pub const CACHE_MEMORY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Entries in one batch.
pub const CACHE_BATCH_MAX: usize = 100;
/// Times that a writer puts back a newer version that it has replaced, before it deletes the entry.
pub const CACHE_PUT_BACKS_MAX: u32 = 8;
/// Keys that one step of a scan examines.
pub const CACHE_SCAN_KEYS: u32 = 500;
/// Steps of a scan in one call; the next call continues.
pub const CACHE_SCAN_STEPS_MAX: u32 = 10;
/// Seconds for which the position of the maintenance is kept; after that it starts from the beginning.
pub const CACHE_MAINTENANCE_SECS: u64 = 7 * 24 * 3600;
/// Days after which a day's statistics are compacted. Until then, a process that was frozen may still write
/// its counts.
pub const CACHE_COMPACT_DAYS_BEFORE: u64 = 2;
/// Days whose statistics are compacted, from then on back: the maintenance may take as long to reach them.
pub const CACHE_COMPACT_DAYS: u64 = 7;
/// Reads after which counts are due to be written.
pub const CACHE_FLUSH_READS: u64 = 100;
/// Seconds after which counts are due with fewer reads.
pub const CACHE_FLUSH_SECS: u64 = 10;
/// Commands that a flush may send for every [`CACHE_FLUSH_READS`] reads: 0.02 per read.
pub const CACHE_FLUSH_COMMANDS: u64 = 2;
/// Commands that a flush may send after [`CACHE_FLUSH_SECS`] with few reads: a quiet process may be stopped
/// soon, and its unwritten counts are lost.
pub const CACHE_FLUSH_QUIET_COMMANDS: u64 = 32;
/// Clients whose reads one process counts on one day.
pub const CACHE_STATISTICS_CLIENTS_MAX: usize = 4096;
/// Seconds for which the statistics of a day are kept: 35 days.
pub const CACHE_STATISTICS_SECS: u64 = 35 * 24 * 3600;
/// Keys that maintenance measures in each step.
pub const CACHE_SAMPLES: usize = 20;
/// Largest keys that maintenance reports.
pub const CACHE_LARGEST_KEYS: usize = 10;

// A try fits its call, and a call of the cache is no longer than other calls.
const _: () = assert!(CACHE_TRY_MILLIS <= CACHE_TOTAL_MILLIS && CACHE_TOTAL_MILLIS <= REDIS_TOTAL_MILLIS);
// The largest entry fits a request: a JSON string may double, an encrypted value grows by a third.
const _: () = assert!(2 * CACHE_ENTRY_BYTES_MAX + 4096 < REDIS_REQUEST_BYTES_MAX);
// One batch read of records is one batch read of the cache.
const _: () = assert!(READ_RECORDS_MAX <= CACHE_BATCH_MAX);
// A reader that waits for a lease gives up before the lease expires.
const _: () = assert!(CACHE_LOOKUPS_MAX as u64 * CACHE_LOOKUP_PAUSE_MILLIS < CACHE_LEASE_MILLIS);
