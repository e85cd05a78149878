//! A till's WebSocket: applies what follows, asks for a pull where something was skipped, comes back when cut.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::wire::socket::{ServerFrame, SyncFrame};
use sync::follow::Follow;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::lock;
use super::meter::Meter;
use super::state::State;
use crate::api::Api;

/// Milliseconds before a lost connection is tried again, plus jitter of the same size.
const RECONNECT_MILLIS: u64 = 200;

/// A connection that is kept open until it is dropped.
pub struct Socket {
    task: JoinHandle<()>,
    open: watch::Receiver<bool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Socket {
    /// Opens the socket of `device` and follows its room.
    pub fn open(
        api: &Api,
        device: &str,
        state: Arc<Mutex<State>>,
        gap: Arc<Notify>,
        meter: Arc<Meter>,
    ) -> Socket {
        let (say, open) = watch::channel(false);
        let url = url(api, device);
        let task = tokio::spawn(async move {
            loop {
                if let Err(error) = follow_room(&url, &state, &gap, &meter, &say).await {
                    eprintln!("a till lost its socket: {error}");
                }
                say.send_replace(false);
                let jitter = getrandom::u64().unwrap_or_default() % RECONNECT_MILLIS;
                tokio::time::sleep(Duration::from_millis(RECONNECT_MILLIS + jitter)).await;
            }
        });
        Socket { task, open }
    }

    /// Waits until the connection stands.
    pub async fn connected(&self) {
        // The sender lives as long as the task, which lives as long as this.
        let _ = self.open.clone().wait_for(|open| *open).await;
    }
}

/// The address of a device's socket.
pub fn url(api: &Api, device: &str) -> String {
    let edge = api.edge_url.replacen("http", "ws", 1);
    let device: String =
        reqwest::Url::parse_with_params("http://x/", [("token", api.token()), ("device_id", device)])
            .map(|url| url.query().unwrap_or_default().to_owned())
            .unwrap_or_default();
    format!("{edge}/ws?{device}")
}

async fn follow_room(
    url: &str,
    state: &Mutex<State>,
    gap: &Notify,
    meter: &Meter,
    say: &watch::Sender<bool>,
) -> Result<(), Error> {
    let (mut stream, _) = connect_async(url).await?;
    say.send_replace(true);
    // Whatever happened while there was no socket must be pulled.
    gap.notify_one();
    while let Some(message) = stream.next().await {
        let Message::Text(text) = message? else { continue };
        match ServerFrame::parse(&text) {
            Some(ServerFrame::Sync(frame)) => hear(&frame, state, gap, meter),
            Some(ServerFrame::Ping) => stream.send(Message::text(r#"{"type":"pong"}"#)).await?,
            // Answers to nothing we asked, and types of a newer server.
            _ => {}
        }
    }
    Ok(())
}

fn hear(frame: &SyncFrame, state: &Mutex<State>, gap: &Notify, meter: &Meter) {
    let (followed, new) = lock(state).hear(frame);
    if new {
        meter.seen(&frame.table_name, &frame.record_id);
    }
    if followed == Follow::Pull {
        gap.notify_one();
    }
}
