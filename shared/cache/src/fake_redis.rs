//! A double of the service for tests: the commands that the cache uses over keys in memory, with a clock that only moves
//! when everybody waits, faults, and a pause before and after each request, so that requests overlap as they may.

mod engine;
mod world;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value as Json, json};

pub(super) use engine::{Database, Slot, Stored};
use protocol::timestamp::Timestamp;
use redis_client::transport::{HttpRequest, HttpResponse, Transport, TransportError};
pub(super) use world::{Random, pause, run};

/// What happens to requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Weather {
    /// They are answered.
    #[default]
    Fair,
    /// They are refused.
    Down,
    /// They run, and no answer comes.
    Silent,
    /// Whatever takes memory is refused.
    Full,
}

/// The service. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Double(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) now: u64,
    pub(super) database: Database,
    pub(super) weather: Weather,
    /// The commands that ran, in order.
    pub(super) log: Vec<Vec<String>>,
    /// When those that wait want to go on.
    pub(super) alarms: Vec<u64>,
}

impl Double {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets time pass.
    pub(super) fn pass(&self, millis: u64) {
        self.state().now += millis * 1000;
    }

    pub(super) fn weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    fn answer(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let mut state = self.state();
        let (now, full) = (state.now, state.weather == Weather::Full);
        let is_refused = |command: &[String]| full && ["SET", "HSET"].contains(&&*command[0]);
        let mut one = |command: Vec<String>| {
            let reply = if is_refused(&command) {
                Err("OOM command not allowed when used memory > 'maxmemory'.".to_owned())
            } else {
                state.database.run(&command, now)
            };
            state.log.push(command);
            match reply {
                Ok(reply) => json!({ "result": encoded(reply) }),
                Err(text) => json!({ "error": text }),
            }
        };
        let answer = if path == "/" {
            one(serde_json::from_slice(body).unwrap())
        } else {
            let commands: Vec<Vec<String>> = serde_json::from_slice(body).unwrap();
            if path == "/multi-exec" && commands.iter().any(|command| is_refused(command)) {
                let refused =
                    json!({ "error": "EXECABORT Transaction discarded because of previous errors." });
                return serde_json::to_vec(&refused).unwrap();
            }
            commands.into_iter().map(one).collect()
        };
        serde_json::to_vec(&answer).unwrap()
    }
}

/// Strings in base64, as the client asks for them; the engine writes the status OK as a `true`.
fn encoded(reply: Json) -> Json {
    match reply {
        Json::Bool(_) => "OK".into(),
        Json::String(text) => BASE64_STANDARD.encode(text).into(),
        Json::Array(items) => items.into_iter().map(encoded).collect(),
        other => other,
    }
}

impl Transport for Double {
    async fn exchange(
        &self,
        request: HttpRequest<'_>,
        deadline: Duration,
    ) -> Result<HttpResponse, TransportError> {
        let (path, body) = (request.path, request.body.to_vec());
        pause().await;
        let weather = self.state().weather;
        if weather == Weather::Down {
            return Err(TransportError::NeverArrived("refused".into()));
        }
        let body = self.answer(path, &body);
        if weather == Weather::Silent {
            self.wait(deadline).await;
            return Err(TransportError::Late);
        }
        pause().await;
        Ok(HttpResponse { status: 200, sync_token: None, body })
    }

    async fn wait(&self, pause: Duration) {
        let until = {
            let mut state = self.state();
            let until = state.now + u64::try_from(pause.as_micros()).unwrap();
            state.alarms.push(until);
            until
        };
        std::future::poll_fn(|_| {
            if self.state().now >= until { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.state().now)
    }
}
