//! The way from a function to the rooms: a sealed POST to the edge.

use std::time::Duration;

use auth::signature::{SIGNATURE_HEADER, sign};
use config::Secret;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishRequest};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};

/// How long the edge may take to tell a room.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes commits to the edge.
#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
    edge_url: String,
    secret: Secret,
}

/// Why a room was not told; it may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The commits do not serialise.
    #[error("failed to write the commits")]
    Json(#[from] serde_json::Error),
    /// The edge does not answer.
    #[error("failed to reach the edge")]
    Http(#[from] reqwest::Error),
    /// The edge did not take them.
    #[error("failed to publish: the edge answered {0}")]
    Answer(StatusCode),
}

impl Publisher {
    /// A publisher to the edge at `edge_url`, which ends without a slash.
    pub fn new(edge_url: String, secret: Secret) -> Result<Publisher, reqwest::Error> {
        // Not by way of a proxy that the environment may name for other programs.
        let client = Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        Ok(Publisher { client, edge_url, secret })
    }

    /// Tells a room of `publications`, all of that room; returns once the room has taken them.
    pub async fn publish(&self, publications: Vec<Publication>, now: Timestamp) -> Result<(), PublishError> {
        let body = serde_json::to_vec(&PublishRequest { publications })?;
        let signature = sign(&self.secret, now, &body);
        let request = self.client.post(format!("{}/internal/publish", self.edge_url));
        let request =
            request.header(CONTENT_TYPE, "application/json").header(SIGNATURE_HEADER, signature).body(body);
        let status = request.send().await?.status();
        if status.is_success() { Ok(()) } else { Err(PublishError::Answer(status)) }
    }
}
