//! A till whose requests a test sends one by one.

use protocol::stamp::Stamp;
use protocol::wire::pull::PulledChange;
use protocol::wire::push::PushResponse;
use serde_json::{Value, json};
use tests::api::{Api, Reply};

/// Retries of one batch under contention. The function retries each a dozen times itself, so more would mean
/// that a device starves.
const PUSH_RETRIES_MAX: usize = 10;

/// A till without a queue or state of its own: the test sends each request.
#[derive(Clone)]
pub(crate) struct Till {
    pub(crate) api: Api,
    pub(crate) device: String,
}

impl Till {
    pub(crate) async fn push_raw(&self, body: &Value) -> Reply {
        self.api.post("/api/sync/batch-push", body.to_string()).await.unwrap()
    }

    /// Pushes without a batch id.
    pub(crate) async fn push(&self, records: &[Value]) -> PushResponse {
        self.push_batch(&self.batch(None, records)).await
    }

    /// Pushes a batch that is accepted at the first attempt.
    pub(crate) async fn push_batch(&self, batch: &Value) -> PushResponse {
        self.push_raw(batch).await.ok().unwrap()
    }

    /// Pushes a batch again until it is accepted. Fails after [`PUSH_RETRIES_MAX`] retries.
    pub(crate) async fn push_with_retries(&self, batch: &Value) -> PushResponse {
        for _ in 0..=PUSH_RETRIES_MAX {
            let reply = self.push_raw(batch).await;
            if reply.status.as_u16() != 503 {
                return reply.ok().unwrap();
            }
            // `unavailable`: the function's own retries took longer than the edge waits.
            assert!(matches!(reply.code().as_deref(), Some("busy" | "unavailable")), "{}", reply.body);
            assert!(reply.headers.contains_key("retry-after"));
        }
        panic!("the server never accepts the batch of {}", self.device);
    }

    pub(crate) fn batch(&self, batch_id: Option<&str>, records: &[Value]) -> Value {
        json!({ "device_id": self.device, "batch_id": batch_id, "records": records })
    }

    pub(crate) async fn pull_raw(&self, query: &str) -> Reply {
        self.api.get(&format!("/api/sync/pull-changes?{query}")).await.unwrap()
    }

    /// All changes after `position`.
    pub(crate) async fn pull_all(&self, mut position: Stamp, limit: usize) -> Vec<PulledChange> {
        let mut changes = Vec::new();
        loop {
            let (page, _) = self.api.pull(position, limit).await.unwrap();
            changes.extend(page.changes);
            position = page.stamp;
            if !page.has_more {
                return changes;
            }
        }
    }
}
