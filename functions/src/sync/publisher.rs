//! Publishing to rooms: a signed POST to the edge.

use std::time::Duration;

use auth::signature::{SIGNATURE_HEADER, sign};
use config::{Reader, Secret};
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishRequest};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};

/// How long one publish may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes commits to the edge.
#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
    edge_url: String,
    secret: Secret,
}

/// Why a publish failed; it may be retried.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The commits do not serialise.
    #[error("failed to write the commits")]
    Json(#[from] serde_json::Error),
    /// The edge does not respond.
    #[error("failed to reach the edge")]
    Http(#[from] reqwest::Error),
    /// The edge refused the commits.
    #[error("failed to publish: the edge answered {0}")]
    Status(StatusCode),
}

impl Publisher {
    /// Reads `EDGE_URL` (without a trailing slash) and `PUBLISH_SECRET`.
    pub fn read(reader: &mut Reader<impl Fn(&str) -> Option<String>>) -> Option<Publisher> {
        let (edge_url, secret) = (reader.text("EDGE_URL"), reader.secret("PUBLISH_SECRET"));
        // The environment may name a proxy for other programs.
        let client = Client::builder().timeout(TIMEOUT).no_proxy().build();
        let client = reader.checked("the HTTP client", client)?;
        Some(Publisher { client, edge_url, secret })
    }

    /// Publishes `publications`, all of one room; returns once the room has taken them.
    pub async fn publish(&self, publications: Vec<Publication>, now: Timestamp) -> Result<(), PublishError> {
        let body = serde_json::to_vec(&PublishRequest { publications })?;
        let signature = sign(&self.secret, now, &body);
        let request = self.client.post(format!("{}/internal/publish", self.edge_url));
        let request =
            request.header(CONTENT_TYPE, "application/json").header(SIGNATURE_HEADER, signature).body(body);
        let status = request.send().await?.status();
        if status.is_success() { Ok(()) } else { Err(PublishError::Status(status)) }
    }
}
