//! A socket whose frames a test reads one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use protocol::stamp::Stamp;
use protocol::wire::REQUEST_ID_HEADER;
use protocol::wire::socket::{SyncBatchFrame, SyncFrame};
use serde_json::Value;
use tests::api::Api;
use tests::openapi::check::{Checker, check_security_headers};
use tests::till::socket;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longest wait for a frame.
const FRAME_PATIENCE: Duration = Duration::from_secs(10);

/// A socket without a reader.
pub(crate) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// An open socket, whose frames the test reads.
pub(crate) struct Listener {
    stream: Stream,
    /// Checks frames against the OpenAPI document.
    checker: Arc<Checker>,
}

/// Whether a listener has ended.
static ENDED: AtomicBool = AtomicBool::new(false);

impl Drop for Listener {
    fn drop(&mut self) {
        ENDED.store(true, Ordering::Relaxed);
    }
}

fn is_presence(text: &str) -> bool {
    text.starts_with(r#"{"type":"presence""#)
}

/// The next message, which comes in time.
async fn message(stream: &mut Stream) -> Message {
    timeout(FRAME_PATIENCE, stream.next()).await.expect("a frame comes in time").unwrap().unwrap()
}

/// Reads until the server closes the socket. Returns the number of text frames before, and the code and
/// reason.
pub(crate) async fn texts_until_close(stream: &mut Stream) -> (usize, (u16, String)) {
    let mut texts = 0;
    loop {
        match message(stream).await {
            Message::Text(_) => texts += 1,
            Message::Close(close_frame) => {
                let close_frame = close_frame.expect("a reason is given");
                return (texts, (close_frame.code.into(), close_frame.reason.to_string()));
            }
            _ => {}
        }
    }
}

impl Listener {
    /// Whether any has ended since this was asked last.
    pub(crate) fn any_ended() -> bool {
        ENDED.swap(false, Ordering::Relaxed)
    }

    /// Opens a socket that gets a frame for each change.
    pub(crate) async fn open(api: &Api, device: &str) -> Listener {
        Listener::greeted(&socket::url(api, device), api).await.0
    }

    /// Opens a socket that gets a frame for each commit.
    pub(crate) async fn open_batched(api: &Api, device: &str) -> Listener {
        Listener::greeted(&format!("{}&frames=batch", socket::url(api, device)), api).await.0
    }

    /// Opens a socket at `url`. Returns also its first frame.
    pub(crate) async fn greeted(url: &str, api: &Api) -> (Listener, Value) {
        let mut listener = Listener::at(url, api).await;
        let greeting = listener.next().await;
        assert_eq!(greeting["type"], "connected", "{greeting}");
        (listener, greeting)
    }

    /// Opens a socket at `url`, whose first frame is the greeting. Its frames are checked by the checker of
    /// `api`.
    pub(crate) async fn at(url: &str, api: &Api) -> Listener {
        let checker = api.checker.clone().expect("the caller has a checker");
        let (stream, response) = connect_async(url).await.unwrap();
        assert!(response.headers().contains_key(REQUEST_ID_HEADER));
        check_security_headers(response.headers()).unwrap();
        Listener { stream, checker }
    }

    pub(crate) async fn send(&mut self, frame: &Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, frame: Vec<u8>) {
        self.stream.send(Message::binary(frame)).await.unwrap();
    }

    /// Sends frames without waiting for the answers.
    pub(crate) async fn send_all(&mut self, frames: &[Value]) {
        for frame in frames {
            self.stream.feed(Message::text(frame.to_string())).await.unwrap();
        }
        self.stream.flush().await.unwrap();
    }

    /// Reads until the server closes the socket. Returns the number of text frames before, and the code and
    /// reason.
    pub(crate) async fn texts_until_close(&mut self) -> (usize, (u16, String)) {
        texts_until_close(&mut self.stream).await
    }

    async fn message(&mut self) -> Message {
        message(&mut self.stream).await
    }

    /// The next text frame as JSON; `None` once the connection is lost, or closed by the server.
    pub(crate) async fn next_unless_lost(&mut self) -> Option<Value> {
        let message = timeout(FRAME_PATIENCE, self.stream.next()).await.expect("a frame comes in time");
        match message {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
            _ => None,
        }
    }

    /// The next text frame as JSON, without the server's pings.
    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.next_text().await).unwrap()
    }

    /// The next text frame, without the server's pings and without frames about devices that come and go.
    pub(crate) async fn next_text(&mut self) -> String {
        loop {
            let text = self.next_answered().await;
            if !is_presence(&text) {
                return text;
            }
        }
    }

    /// The next text frame. The server's pings are answered.
    async fn next_answered(&mut self) -> String {
        loop {
            let Message::Text(text) = self.message().await else { continue };
            self.checker.check_frame(&text).unwrap();
            if text.as_str() != r#"{"type":"ping"}"# {
                return text.as_str().to_owned();
            }
            self.send_text(r#"{"type":"pong"}"#).await;
        }
    }

    /// The next frame about a device that went online or offline, which is the next frame.
    pub(crate) async fn next_presence(&mut self) -> Value {
        let text = self.next_answered().await;
        assert!(is_presence(&text), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Checks that no frame at all is on its way.
    pub(crate) async fn assert_no_presence(&mut self) {
        self.send_text(r#"{"type": "ping"}"#).await;
        let text = self.next_answered().await;
        assert!(text.starts_with(r#"{"type":"pong""#), "{text}");
    }

    pub(crate) async fn next_sync(&mut self) -> SyncFrame {
        let frame = self.next().await;
        assert_eq!(frame["type"], "sync", "{frame}");
        serde_json::from_str(&frame.to_string()).unwrap()
    }

    /// The code with which the server closes a socket that it refuses, and the error's code.
    pub(crate) async fn refusal(&mut self) -> (u16, String) {
        let error = self.next().await;
        assert_eq!(error["type"], "error", "{error}");
        let (close_code, reason) = self.close_frame().await;
        assert_eq!(error["code"], *reason);
        (close_code, reason)
    }

    /// Closes the socket with `code`, if there is one; returns the code with which the server answers.
    pub(crate) async fn close(&mut self, code: Option<u16>) -> Option<u16> {
        let frame = code.map(|code| CloseFrame { code: code.into(), reason: "done".into() });
        self.stream.send(Message::Close(frame)).await.unwrap();
        loop {
            if let Message::Close(answer) = self.message().await {
                return answer.map(|frame| frame.code.into());
            }
        }
    }

    pub(crate) async fn next_batch(&mut self) -> SyncBatchFrame {
        let frame = self.next().await;
        assert_eq!(frame["type"], "sync_batch", "{frame}");
        serde_json::from_str(&frame.to_string()).unwrap()
    }

    /// The head that the room tells in the answer to `ping`.
    pub(crate) async fn head_by(&mut self, ping: &str) -> Option<Stamp> {
        self.send_text(ping).await;
        let pong = self.next().await;
        assert_eq!(pong["type"], "pong", "{pong}");
        pong.get("head").map(|head| Stamp(head.as_u64().unwrap()))
    }

    /// The code and reason with which the server closes the socket.
    pub(crate) async fn close_frame(&mut self) -> (u16, String) {
        self.texts_until_close().await.1
    }

    /// Checks that no frame is on its way: frames come in order, so one would come before the pong.
    pub(crate) async fn assert_no_frame(&mut self) {
        self.head_by(r#"{"type":"ping"}"#).await;
    }
}
