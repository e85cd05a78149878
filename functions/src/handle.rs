//! What the functions do: one file per route, or per event.

pub mod auth;
pub mod batch_push;
pub mod cache_invalidate;
pub mod cache_maintenance;
pub mod cache_report;
pub mod cache_warm;
pub mod cart_fold;
pub mod carts;
pub mod change_stream;
pub mod data;
pub mod dead_letters;
pub mod pull_changes;
pub mod resolve_conflict;
pub mod sync_stats;
