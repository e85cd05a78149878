//! The protocol of tillsync: ids, times, errors and the messages on the wire.
//!
//! This crate does no I/O and reads no clock and no environment (clippy's `disallowed-methods` checks it). It
//! compiles for the worker (wasm) and for the functions (native). In reading order:

// Ids, times and positions.
pub mod follow;
pub mod ids;
pub mod limits;
pub mod role;
pub mod room_cursor;
pub mod stamp;
pub mod timestamp;

// JSON and records.
pub mod body;
pub mod json;
pub mod record;

// Callers, errors and messages.
pub mod author;
pub mod claims;
pub mod error;
pub mod wire;

// What is told of a request.
pub mod telemetry;

// The table of endpoints.
pub mod endpoints;
