//! Takes what functions publish, as the edge would: checks the signature, and answers what the test wants.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use auth::signature::{SIGNATURE_HEADER, verify};
use config::Secret;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

pub(super) struct FakeEdge {
    port: u16,
    status: Arc<AtomicU16>,
    published: mpsc::UnboundedReceiver<Value>,
}

impl FakeEdge {
    pub(super) async fn start(secret: Secret) -> FakeEdge {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let status = Arc::new(AtomicU16::new(204));
        let (sender, published) = mpsc::unbounded_channel();
        let answers = Arc::clone(&status);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answers, secret, sender) = (Arc::clone(&answers), secret.clone(), sender.clone());
                let service = service_fn(move |request| {
                    take(request, secret.clone(), sender.clone(), answers.load(Ordering::SeqCst))
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        });
        FakeEdge { port, status, published }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn answer_with(&self, status: StatusCode) {
        self.status.store(status.as_u16(), Ordering::SeqCst);
    }

    /// The next body that was published; `None` if there is none for so long.
    pub(super) async fn next(&mut self, patience: Duration) -> Option<Value> {
        timeout(patience, self.published.recv()).await.ok().flatten()
    }

    pub(super) async fn wait_until_quiet(&mut self, quiet: Duration, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.next(quiet).await.is_some() {
            assert!(Instant::now() < deadline, "the stream does not come to rest");
        }
    }
}

async fn take(
    request: Request<Incoming>,
    secret: Secret,
    sender: mpsc::UnboundedSender<Value>,
    status: u16,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    assert_eq!(request.uri().path(), "/internal/publish");
    let signature = request.headers()[SIGNATURE_HEADER].to_str().unwrap().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    verify(&secret, functions::start::now(), &signature, &body).unwrap();
    sender.send(serde_json::from_slice(&body).unwrap()).unwrap();
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}
