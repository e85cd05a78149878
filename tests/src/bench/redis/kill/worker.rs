//! A client that sends requests without pause while Redis is killed and restarted.

use std::time::{Duration, Instant};

use lambda_http::http::Method;
use protocol::wire::auth::SessionResponse;
use protocol::wire::carts::{CartResponse, PutCartResponse};
use protocol::wire::record::RecordResponse;
use protocol::wire::stats::StatsResponse;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;
use tokio::sync::watch;

use crate::api::CallError;
use crate::bench::client::BenchClient;
use crate::report::error_chain;

/// The record that all workers read.
pub(super) const RECORD: &str = "p1";

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Record,
    PutCart,
    GetCart,
    Stats,
    SignIn,
}

/// The state of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Before,
    Killed,
    After,
}

/// One request.
pub(super) struct Sample {
    pub(super) operation: Operation,
    /// The phase in which it started.
    pub(super) phase: Phase,
    pub(super) took: Duration,
    pub(super) failure: Option<String>,
}

pub(super) struct Worker {
    client: BenchClient,
    operations: &'static [Operation],
    /// The number of times that the cart was put.
    puts: u64,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("failed to read a cart: it holds {found} instead of {expected}")]
    StaleCart { found: String, expected: String },
}

impl Operation {
    pub(super) const ALL: [Operation; 5] =
        [Operation::Record, Operation::PutCart, Operation::GetCart, Operation::Stats, Operation::SignIn];
}

impl Worker {
    /// A worker that repeats `operations` in turn.
    pub(super) fn new(client: BenchClient, operations: &'static [Operation]) -> Worker {
        Worker { client, operations, puts: 0 }
    }

    /// Sends requests until the phase is `None`.
    pub(super) async fn run(mut self, phase: watch::Receiver<Option<Phase>>) -> Vec<Sample> {
        let mut samples = Vec::new();
        for &operation in self.operations.iter().cycle() {
            let Some(phase) = *phase.borrow() else { break };
            let started = Instant::now();
            let failure = self.send(operation).await.err().map(|failure| error_chain(&failure));
            samples.push(Sample { operation, phase, took: started.elapsed(), failure });
        }
        samples
    }

    /// Sends one request. A wrong response is a failure.
    async fn send(&mut self, operation: Operation) -> Result<(), Failure> {
        let api = &self.client.api;
        let cart = format!("/api/carts/{}", self.client.device);
        match operation {
            Operation::Record => {
                api.get(&format!("/api/data/products/{RECORD}")).await?.ok::<RecordResponse>()?;
            }
            Operation::Stats => {
                api.get("/api/sync/stats").await?.ok::<StatsResponse>()?;
            }
            Operation::SignIn => {
                api.post("/api/auth/login", self.client.login.clone()).await?.ok::<SessionResponse>()?;
            }
            Operation::PutCart => {
                self.puts += 1;
                let put = api.request(Method::PUT, &cart).header(CONTENT_TYPE, "application/json");
                let put = put.body(json!({ "data": { "n": self.puts } }).to_string());
                api.send(put).await?.ok::<PutCartResponse>()?;
            }
            Operation::GetCart => {
                let found = api.get(&cart).await?.ok::<CartResponse>()?.data.as_str().to_owned();
                let expected = json!({ "n": self.puts }).to_string();
                if found != expected {
                    return Err(Failure::StaleCart { found, expected });
                }
            }
        }
        Ok(())
    }
}
