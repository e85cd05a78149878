//! A till's WebSocket: applies frames in order, asks for a pull after a gap, and reconnects.

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

/// Shortest time before a reconnect, in milliseconds. Random jitter adds at most the same again.
const RECONNECT_MILLIS: u64 = 200;

/// The close code of a socket that a newer one of the same device or session has replaced.
const REPLACED: u16 = 4410;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Another connection is needed.
    Lost,
    /// Another socket has its place: connecting again would take it back.
    Replaced,
}

/// A connection that reconnects until it is dropped, or replaced by another one of its device.
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
        let (set_open, open) = watch::channel(false);
        let url = url(api, device);
        let task = tokio::spawn(async move {
            loop {
                let ended = follow_room(&url, &state, &gap, &meter, &set_open).await;
                set_open.send_replace(false);
                match ended {
                    Ok(Ended::Replaced) => return,
                    Ok(Ended::Lost) => {}
                    Err(error) => eprintln!("the socket of a till is lost: {error}"),
                }
                let jitter = getrandom::u64().unwrap_or_default() % RECONNECT_MILLIS;
                tokio::time::sleep(Duration::from_millis(RECONNECT_MILLIS + jitter)).await;
            }
        });
        Socket { task, open }
    }

    /// Waits until the connection is open.
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

async fn follow_room(
    url: &str,
    state: &Mutex<State>,
    gap: &Notify,
    meter: &Meter,
    set_open: &watch::Sender<bool>,
) -> Result<Ended, Error> {
    let (mut stream, _) = connect_async(url).await?;
    set_open.send_replace(true);
    // Changes before the connection have to be pulled.
    gap.notify_one();
    while let Some(message) = stream.next().await {
        let text = match message? {
            Message::Text(text) => text,
            Message::Close(Some(frame)) if u16::from(frame.code) == REPLACED => return Ok(Ended::Replaced),
            _ => continue,
        };
        match ServerFrame::parse(&text) {
            Some(ServerFrame::Sync(frame)) => on_frame(&frame, state, gap, meter),
            Some(ServerFrame::Ping) => stream.send(Message::text(r#"{"type":"pong"}"#)).await?,
            // Responses to requests that this client does not send, and frames of newer servers.
            _ => {}
        }
    }
    Ok(Ended::Lost)
}

fn on_frame(frame: &SyncFrame, state: &Mutex<State>, gap: &Notify, meter: &Meter) {
    let (followed, is_new) = lock(state).on_frame(frame);
    if is_new {
        meter.change_seen(&frame.table_name, &frame.record_id);
    }
    if followed == Follow::Pull {
        gap.notify_one();
    }
}
