//! An HTTP client of the edge.

use std::sync::Arc;
use std::time::Duration;

use protocol::stamp::Stamp;
use protocol::wire::COST_HEADER;
use protocol::wire::auth::{LoginRequest, SessionResponse};
use protocol::wire::pull::PullResponse;
use protocol::wire::push::DeadLettersFullDetails;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Client, Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::leaks::Secrets;
use crate::openapi::check::{Checker, Mismatch};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There was no response.
    #[error("failed to call the edge: {0}")]
    Http(#[from] reqwest::Error),
    /// The response is an error.
    #[error("failed to call the edge: it answered {status}: {body}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// The body.
        body: String,
    },
    /// The body does not have the protocol's type.
    #[error("failed to read the response {body}: {cause}")]
    Shape {
        /// What is wrong.
        cause: serde_json::Error,
        /// The body.
        body: String,
    },
    /// The OpenAPI document does not describe the response.
    #[error(transparent)]
    Wrong(#[from] Mismatch),
}

impl CallError {
    /// The places of the records that a full branch cannot keep, if that is why a push is refused.
    pub fn dead_letters_full(&self) -> Option<Vec<usize>> {
        let CallError::Status { status, body } = self else { return None };
        let body: Value = (status.as_u16() == 507).then(|| serde_json::from_str(body).ok())??;
        let details = DeadLettersFullDetails::deserialize(body.pointer("/error/details")?).ok()?;
        Some(details.errors.iter().map(|error| error.index).collect())
    }
}

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Reply {
    /// Parses the body of a 200.
    pub fn ok<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        if self.status != StatusCode::OK {
            return Err(CallError::Status { status: self.status, body: self.body.clone() });
        }
        serde_json::from_str(&self.body).map_err(|cause| CallError::Shape { cause, body: self.body.clone() })
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The error code of the response.
    pub fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(&self.body).ok()?;
        Some(body.get("error")?.get("code")?.as_str()?.to_owned())
    }

    /// The cost of the request in DynamoDB.
    pub fn cost(&self) -> Units {
        Units::parse(self.header(COST_HEADER).unwrap_or_default())
    }
}

/// Requests to DynamoDB and the capacity units that they consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Requests.
    pub requests: u64,
    /// Write units, in tenths.
    pub write_tenths: u64,
    /// Read units, in tenths.
    pub read_tenths: u64,
}

impl Units {
    /// Parses the cost header.
    pub fn parse(text: &str) -> Units {
        let part = |name: &str| text.split("; ").find_map(|part| part.strip_prefix(name)).unwrap_or("0");
        let tenths = |text: &str| {
            let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
            whole.parse::<u64>().unwrap_or_default() * 10 + tenth.parse::<u64>().unwrap_or_default()
        };
        Units {
            requests: part("requests=").parse().unwrap_or_default(),
            write_tenths: tenths(part("write=")),
            read_tenths: tenths(part("read=")),
        }
    }

    /// The sum of both.
    pub fn plus(self, other: Units) -> Units {
        Units {
            requests: self.requests + other.requests,
            write_tenths: self.write_tenths + other.write_tenths,
            read_tenths: self.read_tenths + other.read_tenths,
        }
    }
}

/// A client of one edge, signed in or not.
#[derive(Clone)]
pub struct Api {
    http: Client,
    /// The edge's address, without a slash at the end.
    pub edge_url: String,
    token: Option<String>,
    /// Checks every response against the OpenAPI document.
    pub checker: Option<Arc<Checker>>,
    /// Receives the tokens of every response.
    secrets: Option<Arc<Secrets>>,
}

impl Api {
    /// A client that is not signed in.
    pub fn new(edge_url: &str) -> Result<Api, CallError> {
        let http = Client::builder().timeout(Duration::from_secs(30)).build()?;
        Ok(Api { http, edge_url: edge_url.to_owned(), token: None, checker: None, secrets: None })
    }

    /// The same client, with every response checked by `checker`.
    pub fn held_to(&self, checker: Arc<Checker>) -> Api {
        Api { checker: Some(checker), ..self.clone() }
    }

    /// The same client, which adds all passwords it sends and all tokens it receives to `secrets`.
    pub fn recording(&self, secrets: Arc<Secrets>) -> Api {
        Api { secrets: Some(secrets), ..self.clone() }
    }

    /// The same client without a check of its responses.
    pub fn unchecked(&self) -> Api {
        Api { checker: None, ..self.clone() }
    }

    /// The same client with an access token.
    pub fn with_token(&self, token: impl Into<String>) -> Api {
        Api { token: Some(token.into()), ..self.clone() }
    }

    /// The access token, empty without one.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A request to extend and send.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.edge_url));
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Sends a request and reads the whole response.
    pub async fn send(&self, request: RequestBuilder) -> Result<Reply, CallError> {
        let (http, request) = request.build_split();
        let request = request?;
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        if let (Some(secrets), Some(body)) = (&self.secrets, request.body().and_then(Body::as_bytes)) {
            secrets.add_request(body);
        }
        let response = http.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let reply = Reply { status, headers, body: response.text().await? };
        if let Some(secrets) = &self.secrets {
            secrets.add_reply(&reply.body);
        }
        if let Some(checker) = &self.checker {
            checker.check(method.as_str(), &path, &reply)?;
        }
        Ok(reply)
    }

    /// `GET path`
    pub async fn get(&self, path: &str) -> Result<Reply, CallError> {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> Result<Reply, CallError> {
        self.send(self.request(Method::POST, path).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    /// Signs in. Returns a client with the new token.
    pub async fn login(&self, login: &LoginRequest) -> Result<(Api, SessionResponse), CallError> {
        let body = serde_json::to_string(login).unwrap_or_default();
        let session: SessionResponse = self.post("/api/auth/login", body).await?.ok()?;
        Ok((self.with_token(&session.access_token), session))
    }

    /// One page of changes after `position`.
    pub async fn pull(&self, position: Stamp, limit: usize) -> Result<(PullResponse, Units), CallError> {
        self.pull_query(&format!("since={}", position.0), limit).await
    }

    /// One page of changes; `query` has the cursor or the position.
    pub async fn pull_query(&self, query: &str, limit: usize) -> Result<(PullResponse, Units), CallError> {
        let path = format!("/api/sync/pull-changes?{query}&limit={limit}");
        let reply = self.get(&path).await?;
        Ok((reply.ok()?, reply.cost()))
    }
}
