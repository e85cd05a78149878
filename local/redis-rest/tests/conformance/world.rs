//! An engine, a server in front of it, and a client.

use std::time::Duration;

use redis_rest::engine::{Engine, EngineKind};
use redis_rest::server::{Server, ServerOptions};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

pub(crate) use crate::until::{DEADLINE, until};

pub(crate) const TOKEN: &str = "full-token";
pub(crate) const READ_ONLY: &str = "read-only-token";
/// How long the server waits for an engine that does not answer.
pub(crate) const ENGINE_DEADLINE: Duration = Duration::from_secs(8);
/// How long a script may run: longer than the engine takes to listen to SCRIPT KILL.
pub(crate) const SCRIPT_DEADLINE: Duration = Duration::from_secs(3);
/// Limit of requests and replies in these tests.
pub(crate) const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) server: Server,
    pub(crate) http: Client,
}

/// A whole response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl World {
    pub(crate) async fn start(kind: EngineKind) -> World {
        let engine = Engine::start(Some(kind)).await.unwrap();
        let server = Server::start(ServerOptions {
            read_only_token: Some(READ_ONLY.to_owned()),
            request_bytes_max: REQUEST_BYTES_MAX,
            engine_deadline: ENGINE_DEADLINE,
            script_deadline: SCRIPT_DEADLINE,
            unkillable_script: Some(engine.unkillable_script()),
            ..ServerOptions::new(engine.url(), TOKEN)
        });
        let http = Client::builder().timeout(DEADLINE).no_proxy().build().unwrap();
        World { server: server.await.unwrap(), engine, http }
    }

    /// A request without a token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.server.url()))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        send(self.request(Method::GET, path).bearer_auth(TOKEN)).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Response {
        send(self.request(Method::POST, path).bearer_auth(TOKEN).body(body)).await
    }

    /// The response to a command in JSON.
    pub(crate) async fn command(&self, json: &str) -> String {
        self.post("/", json.to_owned()).await.text()
    }
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a GET on a connection of its own.
pub(crate) async fn connect(server: &Server, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.url().trim_start_matches("http://")).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

pub(crate) async fn send(request: RequestBuilder) -> Response {
    try_send(request).await.unwrap()
}

pub(crate) async fn try_send(request: RequestBuilder) -> reqwest::Result<Response> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Response { status, headers, body: response.bytes().await?.to_vec() })
}
