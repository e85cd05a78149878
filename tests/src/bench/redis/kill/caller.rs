//! Somebody who works without pause, whatever happens to Redis.

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
use crate::bench::counter::Counter;
use crate::report::tell;

/// The record that everybody reads.
pub(super) const RECORD: &str = "p1";

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    Record,
    PutCart,
    GetCart,
    Figures,
    SignIn,
}

/// What Redis is going through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Before,
    Gone,
    After,
}

/// One request.
pub(super) struct Call {
    pub(super) work: Work,
    /// When it began.
    pub(super) phase: Phase,
    pub(super) took: Duration,
    /// Why it was not served, if it was not.
    pub(super) failure: Option<String>,
}

pub(super) struct Caller {
    counter: Counter,
    works: &'static [Work],
    /// How often it has put its cart.
    puts: u64,
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
enum NotServed {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("failed to read a cart: it holds {found} instead of {expected}")]
    Stale { found: String, expected: String },
}

impl Work {
    pub(super) const ALL: [Work; 5] =
        [Work::Record, Work::PutCart, Work::GetCart, Work::Figures, Work::SignIn];

    pub(super) fn name(self) -> &'static str {
        match self {
            Work::Record => "record, cached",
            Work::PutCart => "cart, put",
            Work::GetCart => "cart, get",
            Work::Figures => "figures",
            Work::SignIn => "sign-in",
        }
    }
}

impl Caller {
    /// Who does `works` by turns.
    pub(super) fn new(counter: Counter, works: &'static [Work]) -> Caller {
        Caller { counter, works, puts: 0 }
    }

    /// Works until there is no phase any more.
    pub(super) async fn work(mut self, phase: watch::Receiver<Option<Phase>>) -> Vec<Call> {
        let mut calls = Vec::new();
        for &work in self.works.iter().cycle() {
            let Some(phase) = *phase.borrow() else { break };
            let started = Instant::now();
            let failure = self.ask(work).await.err().map(|failure| tell(&failure));
            calls.push(Call { work, phase, took: started.elapsed(), failure });
        }
        calls
    }

    /// Asks once; served is who gets the answer that is right.
    async fn ask(&mut self, work: Work) -> Result<(), NotServed> {
        let api = &self.counter.api;
        let cart = format!("/api/carts/{}", self.counter.device);
        match work {
            Work::Record => {
                api.get(&format!("/api/data/products/{RECORD}")).await?.ok::<RecordResponse>()?;
            }
            Work::Figures => {
                api.get("/api/sync/stats").await?.ok::<StatsResponse>()?;
            }
            Work::SignIn => {
                api.post("/api/auth/login", self.counter.login.clone()).await?.ok::<SessionResponse>()?;
            }
            Work::PutCart => {
                self.puts += 1;
                let put = api.request(Method::PUT, &cart).header(CONTENT_TYPE, "application/json");
                let put = put.body(json!({ "data": { "n": self.puts } }).to_string());
                api.send(put).await?.ok::<PutCartResponse>()?;
            }
            Work::GetCart => {
                let found = api.get(&cart).await?.ok::<CartResponse>()?.data.as_str().to_owned();
                let expected = json!({ "n": self.puts }).to_string();
                if found != expected {
                    return Err(NotServed::Stale { found, expected });
                }
            }
        }
        Ok(())
    }
}
