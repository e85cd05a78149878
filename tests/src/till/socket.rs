//! A till's WebSocket: applies frames in order, asks for a pull after a gap, and reconnects.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::follow::Follow;
use protocol::wire::close_code::CloseCode;
use protocol::wire::socket::{ClientFrame, ServerFrame, SyncBatchFrame, SyncFrame};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::lock;
use super::meter::Meter;
use super::state::State;
use crate::api::Api;

/// Shortest time before a reconnect, in milliseconds. Random jitter adds at most the same again.
const RECONNECT_MILLIS: u64 = 200;

/// Closes after which another connection would fare no better.
const FINAL: [CloseCode; 4] =
    [CloseCode::BadRequest, CloseCode::Unauthorized, CloseCode::Forbidden, CloseCode::Replaced];

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Another connection is needed.
    Lost,
    /// The server has closed it with one of [`FINAL`].
    Closed(CloseCode),
}

/// How a socket behaves.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// The time between two pings. The answer to each tells how far the room is.
    pub ping_every: Duration,
    /// Whether the changes of a commit come in one frame.
    pub takes_batches: bool,
    /// While it is true, frames with changes are lost on their way.
    pub loses_changes: Arc<AtomicBool>,
}

impl Default for SocketOptions {
    fn default() -> SocketOptions {
        let ping_every = Duration::from_secs(20);
        SocketOptions { ping_every, takes_batches: true, loses_changes: Arc::default() }
    }
}

/// A connection that reconnects until it is dropped, or closed for good: replaced by another one of its
/// device, or refused with its token.
pub struct Socket {
    task: JoinHandle<()>,
    open: watch::Receiver<bool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a connection changes and measures.
pub(super) struct Follower {
    pub(super) options: SocketOptions,
    pub(super) state: Arc<Mutex<State>>,
    /// Notified when a pull is needed.
    pub(super) gap: Arc<Notify>,
    pub(super) meter: Arc<Meter>,
}

impl Socket {
    /// Opens the socket of `device` and follows its room.
    pub(super) fn open(api: &Api, device: &str, follower: Follower) -> Socket {
        let (set_open, open) = watch::channel(false);
        let mut url = url(api, device);
        if follower.options.takes_batches {
            url.push_str("&frames=batch");
        }
        let task = tokio::spawn(async move {
            loop {
                let ended = follower.follow_room(&url, &set_open).await;
                set_open.send_replace(false);
                match ended {
                    Ok(Ended::Closed(CloseCode::Replaced)) => return,
                    Ok(Ended::Closed(code)) => return eprintln!("the socket of a till is closed: {code:?}"),
                    Ok(Ended::Lost) => {}
                    Err(error) => eprintln!("the socket of a till is lost: {error}"),
                }
                let jitter = getrandom::u64().unwrap_or_default() % RECONNECT_MILLIS;
                tokio::time::sleep(Duration::from_millis(RECONNECT_MILLIS + jitter)).await;
            }
        });
        Socket { task, open }
    }

    /// Waits until the server has greeted the connection.
    pub async fn connected(&self) {
        // The sender lives as long as the task, and the task as long as `self`.
        let _ = self.open.clone().wait_for(|open| *open).await;
    }
}

/// The address of a device's socket.
pub fn url(api: &Api, device: &str) -> String {
    let edge = api.edge_url.replacen("http", "ws", 1);
    let query: String =
        reqwest::Url::parse_with_params("http://x/", [("token", api.token()), ("device_id", device)])
            .map(|url| url.query().unwrap_or_default().to_owned())
            .unwrap_or_default();
    format!("{edge}/ws?{query}")
}

impl Follower {
    async fn follow_room(&self, url: &str, set_open: &watch::Sender<bool>) -> Result<Ended, Error> {
        let (mut stream, _) = connect_async(url).await?;
        let mut pings = pings(self.options.ping_every);
        let ping = serde_json::to_string(&ClientFrame::Ping).unwrap_or_default();
        loop {
            let message = tokio::select! {
                message = stream.next() => message,
                _ = pings.tick() => {
                    stream.send(Message::text(ping.as_str())).await?;
                    continue;
                }
            };
            match message.transpose()? {
                None => return Ok(Ended::Lost),
                Some(Message::Text(text)) => self.on_text(&text, set_open, &mut stream).await?,
                Some(Message::Close(Some(frame))) => {
                    let code = u16::from(frame.code);
                    if let Some(code) = FINAL.into_iter().find(|known| known.as_u16() == code) {
                        return Ok(Ended::Closed(code));
                    }
                }
                Some(_) => {}
            }
        }
    }

    async fn on_text(
        &self,
        text: &str,
        set_open: &watch::Sender<bool>,
        stream: &mut WebSocketStream<MaybeTlsStream<TcpStream>>,
    ) -> Result<(), Error> {
        let needs_pull = match ServerFrame::parse(text) {
            Some(ServerFrame::Sync(frame)) => self.on_frame(&frame),
            Some(ServerFrame::SyncBatch(frame)) => self.on_batch_frame(&frame),
            Some(ServerFrame::Connected { head, .. }) => {
                set_open.send_replace(true);
                lock(&self.state).on_connected(head)
            }
            Some(ServerFrame::Pong { head: Some(head) }) => lock(&self.state).on_head(head),
            Some(ServerFrame::Ping) => {
                stream.send(Message::text(r#"{"type":"pong"}"#)).await?;
                false
            }
            // Responses to requests that this client does not send, and frames of newer servers.
            _ => false,
        };
        if needs_pull {
            self.gap.notify_one();
        }
        Ok(())
    }

    fn on_frame(&self, frame: &SyncFrame) -> bool {
        if self.options.loses_changes.load(Ordering::Relaxed) {
            return false;
        }
        let (followed, is_new) = lock(&self.state).on_frame(frame);
        if is_new {
            self.meter.change_seen(&frame.table_name, &frame.record_id);
        }
        followed == Follow::Pull
    }

    fn on_batch_frame(&self, frame: &SyncBatchFrame) -> bool {
        if self.options.loses_changes.load(Ordering::Relaxed) {
            return false;
        }
        let (followed, new) = lock(&self.state).on_batch_frame(frame);
        for change in new.iter().filter_map(|&i| frame.changes.get(i)) {
            self.meter.change_seen(&change.table_name, &change.record_id);
        }
        followed == Follow::Pull
    }
}

/// The first ping is one period after the connection, whose first frame has told the head.
fn pings(period: Duration) -> Interval {
    let mut pings = interval(period);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    pings
}
