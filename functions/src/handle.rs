//! What the functions do: one file per route, or per event.

pub mod auth;
pub mod batch_push;
pub mod change_stream;
pub mod dead_letters;
pub mod pull_changes;
pub mod resolve_conflict;
pub mod sync_stats;
