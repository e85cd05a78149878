//! Head office: follows the hub over its socket, opens it again when it is lost, and pulls what it missed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::follow::{Follow, follow};
use protocol::stamp::Stamp;
use protocol::wire::pull::PullResponse;
use protocol::wire::socket::ServerFrame;
use tests::api::{Api, CallError};
use tests::till::socket;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Between two connections.
const PAUSE: Duration = Duration::from_millis(200);

/// What head office has heard of the one branch.
#[derive(Clone, Default)]
pub(super) struct Heard {
    pub(super) stamps: BTreeSet<Stamp>,
    /// Commits that came as frames.
    pub(super) frames: usize,
    /// Connections to the hub.
    pub(super) connections: usize,
}

/// Follows the hub until it is dropped.
pub(super) struct Office {
    heard: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

impl Drop for Office {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Socket(#[from] Error),
    #[error(transparent)]
    Pull(#[from] CallError),
}

impl Office {
    pub(super) fn open(api: Api) -> Office {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut follower =
            Follower { api, heard: heard.clone(), cursor: String::new(), position: Stamp::ZERO };
        let task = tokio::spawn(async move {
            loop {
                if let Err(lost) = follower.connection().await {
                    println!("the hub's socket is lost: {lost}");
                }
                sleep(PAUSE).await;
            }
        });
        Office { heard, task }
    }

    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }
}

struct Follower {
    api: Api,
    heard: Arc<Mutex<Heard>>,
    cursor: String,
    position: Stamp,
}

impl Follower {
    /// One connection, until it is lost.
    async fn connection(&mut self) -> Result<(), Lost> {
        let url = socket::url(&self.api, "office") + "&frames=batch";
        let (mut stream, _) = connect_async(url).await?;
        while let Some(message) = stream.next().await {
            let message = message?;
            match message.to_text().ok().and_then(ServerFrame::parse) {
                Some(ServerFrame::Connected { .. }) => {
                    self.heard.lock().unwrap().connections += 1;
                    self.pull().await?;
                }
                Some(ServerFrame::SyncBatch(frame)) => match follow(self.position, frame.prev, frame.stamp) {
                    Follow::Drop => {}
                    Follow::Pull => self.pull().await?,
                    Follow::Apply => {
                        self.position = frame.stamp;
                        let mut heard = self.heard.lock().unwrap();
                        heard.frames += 1;
                        heard.stamps.extend(frame.changes.iter().map(|change| change.stamp));
                    }
                },
                Some(ServerFrame::Ping) => stream.send(Message::text(r#"{"type":"pong"}"#)).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Pulls all that is missing.
    async fn pull(&mut self) -> Result<(), Lost> {
        loop {
            let path = format!("/api/sync/pull-changes?limit=1000&cursor={}", self.cursor);
            let page: PullResponse = self.api.get(&path).await?.ok()?;
            if page.branch_id.is_some() {
                self.position = self.position.max(page.stamp);
            }
            self.heard.lock().unwrap().stamps.extend(page.changes.iter().map(|change| change.stamp));
            self.cursor = page.next_cursor;
            if !page.has_more {
                return Ok(());
            }
        }
    }
}
