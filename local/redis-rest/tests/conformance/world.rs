//! An engine, a front over it, and a client.

use std::time::Duration;

use redis_rest::engine::{Engine, EngineChoice, EngineKind};
use redis_rest::front::{Front, FrontOptions};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};

use crate::capabilities::{self, Capabilities};

pub(crate) const TOKEN: &str = "full-token";
pub(crate) const READ_ONLY: &str = "read-only-token";
/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How long the front waits for an engine that says nothing.
pub(crate) const ENGINE_DEADLINE: Duration = Duration::from_secs(3);
/// What the front takes and gives in these tests.
pub(crate) const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) front: Front,
    pub(crate) http: Client,
}

/// What a request came to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl World {
    pub(crate) async fn start(kind: EngineKind) -> World {
        let engine = Engine::start(EngineChoice::Only(kind)).await.unwrap();
        let front = Front::start(FrontOptions {
            read_only_token: Some(READ_ONLY.to_owned()),
            request_bytes_max: REQUEST_BYTES_MAX,
            engine_deadline: ENGINE_DEADLINE,
            ..FrontOptions::new(engine.url(), TOKEN)
        });
        let http = Client::builder().timeout(DEADLINE).no_proxy().build().unwrap();
        World { front: front.await.unwrap(), engine, http }
    }

    pub(crate) fn can(&self) -> Capabilities {
        capabilities::of(self.engine.kind())
    }

    /// A request without a token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.front.url()))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(TOKEN)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        send(self.request(Method::POST, path).bearer_auth(TOKEN).body(body)).await
    }

    /// The answer to a command given as JSON.
    pub(crate) async fn command(&self, json: &str) -> String {
        self.post("/", json.to_owned()).await.text()
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

pub(crate) async fn try_send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
}

/// Waits until something is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let give_up = tokio::time::Instant::now() + DEADLINE;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < give_up, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
