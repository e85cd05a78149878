//! The rules of sync as pure functions over explicit state: load → **decide** → commit → **respond**.
//!
//! This crate does no I/O and reads no clock and no environment (clippy's `disallowed-methods` checks it). In
//! reading order:

// What a deployment configures.
pub mod limits;
pub mod rules;
pub mod tables;

// One record and the policies that merge it.
pub mod decimal;
pub mod policy;
pub mod record;

// Writing: parse a push, decide it, build the response.
pub mod batch_hash;
pub mod clocks;
pub mod counts;
pub mod decide;
pub mod device_batches;
pub mod marker;
pub mod outcome;
pub mod push;
pub mod response;
pub mod shortest_retention;
pub mod snapshot;
pub mod table_stamps;
pub mod version_authors;

// Rejected records, and conflicts that a person resolves.
pub mod dead_letter_id;
pub mod dead_letters;
pub mod replay;
pub mod resolve;

// Reading: the log, and pages of a pull.
pub mod cursor;
pub mod log;
pub mod min;
pub mod pull;
pub mod stats;

#[cfg(test)]
mod tests;
