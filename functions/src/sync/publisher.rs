//! Publishing to rooms: a signed POST to the edge.

use std::iter::Peekable;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth::signature::{SIGNATURE_HEADER, sign};
use config::{Reader, Secret};
use hashlink::LruCache;
use protocol::ids::Room;
use protocol::timestamp::Timestamp;
use protocol::wire::publication::{Publication, PublishRequest};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use sync::stats::Feed;
use tokio::time::{Instant, timeout_at};

use crate::limits::{PUBLISH_BYTES_MAX, SILENT_ROOM_SECS, SILENT_ROOMS_MAX};

/// How long one publish may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pause before a publish that was refused at once is tried a second time.
const PAUSE: Duration = Duration::from_millis(200);

/// Publishes commits to the edge. Clones share what they know of silent rooms.
#[derive(Clone)]
pub struct Publisher {
    client: Client,
    edge_url: String,
    secret: Secret,
    silent: SilentRooms,
}

/// Rooms that did not answer, with the time until which they are left alone.
#[derive(Clone)]
struct SilentRooms(Arc<Mutex<LruCache<Room, Instant>>>);

impl SilentRooms {
    fn rooms(&self) -> MutexGuard<'_, LruCache<Room, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_silent(&self, room: &Room) -> bool {
        self.rooms().get(room).is_some_and(|until| *until > Instant::now())
    }

    fn add(&self, room: &Room) {
        self.rooms().insert(room.clone(), Instant::now() + Duration::from_secs(SILENT_ROOM_SECS));
    }
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
    /// The room did not answer in time.
    #[error("failed to publish: the room does not answer in time")]
    Slow,
    /// The room did not answer a moment ago and is left alone.
    #[error("failed to publish: the room did not answer a moment ago")]
    Silent,
}

/// The next publications to send in one call, up to the one that reaches [`PUBLISH_BYTES_MAX`], and the FEED
/// of their room once they are told; `None` at the end.
pub fn next_call(
    waiting: &mut Peekable<impl Iterator<Item = (Publication, Feed)>>,
) -> Option<(Vec<Publication>, Feed)> {
    let (mut publications, mut bytes, mut told) = (Vec::new(), 0, None);
    while let Some((publication, feed)) = waiting.next_if(|_| bytes < PUBLISH_BYTES_MAX) {
        bytes += publication.data_bytes();
        publications.push(publication);
        told = Some(feed);
    }
    told.map(|feed| (publications, feed))
}

impl Publisher {
    /// Reads `EDGE_URL` (without a trailing slash) and `PUBLISH_SECRET`.
    pub fn read(reader: &mut Reader<impl Fn(&str) -> Option<String>>) -> Option<Publisher> {
        let (edge_url, secret) = (reader.text("EDGE_URL"), reader.secret("PUBLISH_SECRET"));
        // The environment may name a proxy for other programs.
        let client = Client::builder().timeout(TIMEOUT).no_proxy().build();
        let client = reader.checked("the HTTP client", client)?;
        let silent = SilentRooms(Arc::new(Mutex::new(LruCache::new(SILENT_ROOMS_MAX))));
        Some(Publisher { client, edge_url, secret, silent })
    }

    /// Publishes `publications` of `room` before `deadline`, at the second attempt if need be. A room that
    /// did not answer is not tried for [`SILENT_ROOM_SECS`], so that each delivery of a shard does not wait
    /// for it.
    pub async fn publish_within(
        &self,
        deadline: Instant,
        room: &Room,
        publications: Vec<Publication>,
        now: Timestamp,
    ) -> Result<(), PublishError> {
        if self.silent.is_silent(room) {
            return Err(PublishError::Silent);
        }
        let attempts = async {
            if self.publish(publications.clone(), now).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
            self.publish(publications, now).await
        };
        let told = timeout_at(deadline, attempts).await.unwrap_or(Err(PublishError::Slow));
        if told.is_err() {
            self.silent.add(room);
        }
        told
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
