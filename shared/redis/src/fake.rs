//! A fake of the service for tests: the [`Transport`] under a client, with an engine, scripted responses and
//! virtual time.
//!
//! Each request takes the next scripted [`Step`]; without steps, the [`Mode`] decides. Time advances only
//! through [`FakeRedis::advance_millis`], and in [`FakeRedis::run`] and [`FakeRedis::run_all`] when every
//! future waits.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test fails by a panic, and this module is compiled only for tests"
)]

mod engine;
mod random;
mod runner;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::Secret;
use protocol::timestamp::Timestamp;
use serde_json::{Value as Json, json};

use super::client::Client;
use super::keys::{Key, Keys};
use super::transport::{HttpRequest, HttpResponse, Transport, TransportError};
pub use engine::{Database, Slot, Stored};
pub use random::Random;
pub use runner::pause;

/// The token of [`FakeRedis::client`]. Tests check that it is not shown.
pub const TOKEN: &str = "s3cret-token";

/// The scripted outcome of one request.
#[derive(Clone, Debug)]
pub enum Step {
    /// A response, after a millisecond.
    Respond {
        /// The status.
        status: u16,
        /// The body.
        body: String,
        /// The sync token, if the response has one.
        sync_token: Option<&'static str>,
    },
    /// The connection is refused, after a millisecond.
    Refused,
    /// The connection breaks off, after a millisecond.
    BrokeOff,
    /// No response before the deadline.
    Silent,
}

impl Step {
    /// A response with status 200 and this body.
    pub fn ok(body: &str) -> Step {
        Step::status(200, body)
    }

    /// A response with this status and body.
    pub fn status(status: u16, body: &str) -> Step {
        Step::Respond { status, body: body.to_owned(), sync_token: None }
    }

    /// A reply to one command: a string.
    pub fn string(text: &str) -> Step {
        Step::ok(&json!({ "result": base64(text.into()) }).to_string())
    }

    /// The replies to a pipeline, in which strings are plain text and an object is an error.
    pub fn replies(replies: &[Json]) -> Step {
        let reply = |reply: &Json| {
            if reply.is_object() { reply.clone() } else { json!({ "result": base64(reply.clone()) }) }
        };
        Step::ok(&replies.iter().map(reply).collect::<Json>().to_string())
    }
}

/// How requests without a scripted step are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// By the engine.
    #[default]
    Up,
    /// The connection is refused.
    Down,
    /// The engine runs the commands, and no response comes before the deadline.
    Silent,
    /// By the engine, which rejects SET and HSET because its memory is full.
    Full,
    /// The test fails.
    ScriptOnly,
}

/// A request that the service received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was sent.
    pub at: Timestamp,
    /// How long it might take.
    pub deadline: Duration,
    /// The path.
    pub path: &'static str,
    /// All headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// The service. Clones are the same service.
#[derive(Clone, Debug, Default)]
pub struct FakeRedis(Arc<Mutex<State>>);

/// The state of the service.
#[derive(Debug, Default)]
pub struct State {
    /// Microseconds since the epoch.
    pub now: u64,
    /// The engine's keys.
    pub database: Database,
    mode: Mode,
    steps: VecDeque<Step>,
    seen: Vec<Seen>,
    /// Times at which waiting futures continue.
    alarms: Vec<u64>,
}

impl FakeRedis {
    /// A service that answers only by `steps`, and a client of it.
    pub fn scripted(steps: impl IntoIterator<Item = Step>) -> (FakeRedis, Client<FakeRedis>) {
        let service = FakeRedis::default();
        service.set_mode(Mode::ScriptOnly);
        service.then(steps);
        let client = service.client();
        (service, client)
    }

    /// A service that answers only by [`FakeRedis::then`]; other requests get no response.
    pub fn silent() -> FakeRedis {
        let service = FakeRedis::default();
        service.set_mode(Mode::Silent);
        service
    }

    /// A client whose pauses are as long as possible.
    pub fn client(&self) -> Client<FakeRedis> {
        let longest = |bytes: &mut [u8]| bytes.copy_from_slice(&LONGEST_PAUSES.to_le_bytes());
        Client::new(self.clone(), Secret::new(TOKEN.into()), longest)
    }

    /// Appends scripted steps.
    pub fn then(&self, steps: impl IntoIterator<Item = Step>) {
        self.state().steps.extend(steps);
    }

    /// Sets how requests without a scripted step are answered.
    pub fn set_mode(&self, mode: Mode) {
        self.state().mode = mode;
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// The bodies of the requests so far.
    pub fn bodies(&self) -> Vec<String> {
        self.state().seen.iter().map(|seen| seen.body.clone()).collect()
    }

    /// Advances the clock.
    pub fn advance_millis(&self, millis: u64) {
        self.state().now += millis * 1000;
    }

    /// The state, for tests that read or change it directly.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    async fn follow(&self, step: Step, deadline: Duration) -> Result<HttpResponse, TransportError> {
        let time =
            if matches!(step, Step::Silent) { deadline } else { Duration::from_millis(1).min(deadline) };
        self.wait(time).await;
        match step {
            Step::Respond { status, body, sync_token } => {
                let sync_token = sync_token.map(str::to_owned);
                Ok(HttpResponse { status, sync_token, body: body.into_bytes() })
            }
            Step::Refused => Err(TransportError::NeverArrived("refused".into())),
            Step::BrokeOff => Err(TransportError::BrokeOff("reset".into())),
            Step::Silent => Err(TransportError::Late),
        }
    }

    /// Runs the request's commands on the engine.
    fn answer(&self, path: &str, body: &[u8]) -> Json {
        let mut state = self.state();
        let (now, full) = (state.now, state.mode == Mode::Full);
        let is_refused = |command: &[String]| full && ["SET", "HSET"].contains(&&*command[0]);
        let mut one = |command: Vec<String>| {
            let reply = if is_refused(&command) {
                Err("OOM command not allowed when used memory > 'maxmemory'.".to_owned())
            } else {
                state.database.run(&command, now)
            };
            match reply {
                Ok(reply) => json!({ "result": base64(reply) }),
                Err(text) => json!({ "error": text }),
            }
        };
        if path == "/" {
            return one(serde_json::from_slice(body).unwrap());
        }
        let commands: Vec<Vec<String>> = serde_json::from_slice(body).unwrap();
        if path == "/multi-exec" && commands.iter().any(|command| is_refused(command)) {
            return json!({ "error": "EXECABORT Transaction discarded because of previous errors." });
        }
        commands.into_iter().map(one).collect()
    }
}

/// `reply` with every string in base64, as the client requests it. The engine writes the status OK as `true`.
fn base64(reply: Json) -> Json {
    match reply {
        Json::Bool(_) => "OK".into(),
        Json::String(text) => BASE64_STANDARD.encode(text).into(),
        Json::Array(items) => items.into_iter().map(base64).collect(),
        other => other,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap()
}

/// A random number that draws the longest of every pause: one less than a multiple of 20,001, 40,001 and
/// 80,001.
const LONGEST_PAUSES: u64 = 20_001 * 40_001 * 80_001 - 1;

impl Transport for FakeRedis {
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let (path, body) = (request.path, request.body.to_vec());
        let (step, mode) = {
            let mut state = self.state();
            let text = String::from_utf8(body.clone()).unwrap();
            let at = Timestamp(state.now);
            state.seen.push(Seen { at, deadline, path, headers: request.headers(), body: text });
            (state.steps.pop_front(), state.mode)
        };
        if let Some(step) = step {
            return self.follow(step, deadline).await;
        }
        assert_ne!(mode, Mode::ScriptOnly, "nothing is scripted for this request");
        pause().await;
        let mode = self.state().mode;
        if mode == Mode::Down {
            return Err(TransportError::NeverArrived("refused".into()));
        }
        let body = self.answer(path, &body).to_string().into_bytes();
        if mode == Mode::Silent {
            self.wait(deadline).await;
            return Err(TransportError::Late);
        }
        pause().await;
        Ok(HttpResponse { status: 200, sync_token: None, body })
    }

    async fn wait(&self, pause: Duration) {
        let until = {
            let mut state = self.state();
            let until = state.now + micros(pause);
            state.alarms.push(until);
            until
        };
        std::future::poll_fn(|_| if self.state().now >= until { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.state().now)
    }
}

/// The key of cart `id`, as an example of a key.
pub fn key(id: &str) -> Key {
    Keys::new("t").unwrap().cart(&"1:2".parse().unwrap(), id)
}
