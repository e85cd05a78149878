//! A cache in Redis for what was read from a source: read-through with tags, leases, stale reads and a
//! fallback in memory.
//!
//! Invariants, and the module that keeps each:
//!
//! - After an acknowledged invalidation, no read returns content that was loaded before it, whatever Redis
//!   evicts (`tags`).
//! - A hit costs one command, however many tags the entry has. A miss costs two, or three if its kind takes a
//!   lock or a tag has no version yet (`read`, `lease`).
//! - Nothing runs after a response, because a function is frozen then: the reader that wins the right to
//!   refresh a stale entry loads it within its own request, while other readers are served the stale entry
//!   (`read`).
//! - A batch is one lookup and one load, without single flight; its stale entries are loaded at once
//!   (`batch`).
//! - While Redis is down or slow, each request waits at most
//!   [`CACHE_TOTAL_MILLIS`](limits::CACHE_TOTAL_MILLIS) per call until the client's circuit breaker opens,
//!   and then not at all, except for a probe now and then. A failed write after a load fails no read
//!   (`fallback`).
//! - Every key has a time to live.
//!
//! Clock and randomness are arguments. In reading order:

mod cache;
pub use cache::{Cache, Clock};

// What is cached, and for how long.
pub mod kind;
pub mod limits;
pub mod request;

mod entry;
mod tags;
// Reading: `read` is the path through all of it.
mod lookup;
mod read;

mod early_refresh;
mod encode;
mod lease;
mod single_flight;

mod fallback;
mod memory;

// Batches and writes.
pub mod batch;
pub mod clear;
pub mod write_behind;
pub mod write_through;

mod invalidate;

// Statistics and maintenance.
pub mod maintenance;

mod report;
mod statistics;

#[cfg(test)]
mod tests;
