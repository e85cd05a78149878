//! Receives what functions publish, as the edge would: verifies the signature and responds with the status
//! that the test chooses.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth::signature::{SIGNATURE_HEADER, UnverifiedSignature};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use config::Secret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

pub(super) struct FakeEdge {
    port: u16,
    status: Arc<AtomicU16>,
    silent: Arc<Mutex<Option<String>>>,
    published: mpsc::UnboundedReceiver<Value>,
}

impl FakeEdge {
    pub(super) async fn start(secret: Secret) -> FakeEdge {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let status = Arc::new(AtomicU16::new(204));
        let (sender, published) = mpsc::unbounded_channel();
        let silent: Arc<Mutex<Option<String>>> = Arc::default();
        let (next_status, is_silent) = (Arc::clone(&status), Arc::clone(&silent));
        let publish = async move |headers: HeaderMap, body: Bytes| {
            let signature = headers[SIGNATURE_HEADER].to_str().unwrap();
            let signature = UnverifiedSignature::parse(signature, functions::start::now()).ok().unwrap();
            signature.verify(&secret, &body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let client = body["publications"][0]["client_id"].as_str().unwrap().to_owned();
            if is_silent.lock().unwrap().as_ref() == Some(&client) {
                std::future::pending::<()>().await;
            }
            sender.send(body).unwrap();
            StatusCode::from_u16(next_status.load(Ordering::SeqCst)).unwrap()
        };
        let app = Router::new().route("/internal/publish", post(publish));
        tokio::spawn(axum::serve(listener, app).into_future());
        FakeEdge { port, status, silent, published }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn respond_with(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::SeqCst);
    }

    /// The rooms of `client` do not answer from now on; `None`: all answer.
    pub(super) fn silence(&self, client: Option<&str>) {
        *self.silent.lock().unwrap() = client.map(str::to_owned);
    }

    /// The next published body; `None` if none arrives within `patience`.
    pub(super) async fn next(&mut self, patience: Duration) -> Option<Value> {
        timeout(patience, self.published.recv()).await.ok().flatten()
    }

    pub(super) async fn wait_until_quiet(&mut self, quiet: Duration, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.next(quiet).await.is_some() {
            assert!(Instant::now() < deadline, "the stream does not become quiet");
        }
    }
}
