//! The rules of tillsync: what may arrive, what is answered, and what happens to a record.
//!
//! Everything here is a value or a pure function. The crate does no I/O, reads no clock and no
//! environment (clippy's `disallowed-methods` holds it to that), and compiles for the worker (wasm) and
//! for the functions (native). In reading order:

// What everything is measured and named by.
pub mod decimal;
pub mod limits;
pub mod micros;
pub mod stamp;
pub mod tenant;

// What may be synced, and as what.
pub mod json;
pub mod record;
pub mod retention;
pub mod rules;
pub mod tables;

// What goes over the wire, and what may go wrong.
pub mod cursor;
pub mod error;
pub mod protocol;

// Who is asking.
pub mod config;
pub mod seal;
pub mod token;

// What happens then.
pub mod cart;
pub mod policy;
pub mod sync;

// What is kept for a while, beside the truth.
pub mod redis;

// What of the truth is kept there, and for how long.
pub mod cache;

// How often somebody may ask.
pub mod rate;
