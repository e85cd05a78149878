//! Records by key: the endpoints under `/api/data/`, and the stream consumer that invalidates cached records.

pub mod batch_get;
pub mod get;

pub mod cache_invalidate;
pub mod record_cache;
