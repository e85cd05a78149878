//! Syncing: the endpoints under `/api/sync/`, the sync table, and the stream consumer that publishes commits.

pub mod batch_push;
pub mod dead_letters;
pub mod device;
pub mod list_branches;
pub mod pull_changes;
pub mod push_group;
pub mod resolve_conflict;
pub mod stats;

pub mod change_stream;
pub mod publisher;
pub mod redelivery;

pub mod branches;
pub mod commit;
pub mod items;
pub mod keys;
pub mod rules;
pub mod store;
