//! One request with its tries: when to send it again, and when it must not be sent again.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{Client, Shared};
use crate::breaker::Breaker;
use crate::budget::pause;
use crate::command::Repeat;
use crate::error::RedisError;
use crate::limits::{REDIS_ATTEMPTS_MAX, REDIS_REQUEST_BYTES_MAX};
use crate::transport::{HttpRequest, HttpResponse, Transport};
use protocol::timestamp::Timestamp;

/// When a call must end. Sending a script a second time does not extend it.
pub(super) struct Deadline(Timestamp);

impl Deadline {
    fn left(&self, now: Timestamp) -> Duration {
        Duration::from_micros(self.0.0.saturating_sub(now.0))
    }
}

impl<T: Transport> Client<T> {
    /// The deadline of a call that starts now.
    pub(super) fn deadline(&self) -> Deadline {
        let total = u64::try_from(self.budget.total.as_micros()).unwrap_or(u64::MAX);
        Deadline(Timestamp(self.shared.transport.now().0.saturating_add(total)))
    }

    /// Sends a request of `commands` commands until Redis responds, the request must not be repeated, or the
    /// deadline passes. The response may hold a Redis error; an `Err` is the last try's.
    pub(super) async fn send(
        &self,
        deadline: &Deadline,
        path: &'static str,
        body: &[u8],
        commands: usize,
        repeat: Repeat,
    ) -> Result<Vec<u8>, RedisError> {
        if body.len() > REDIS_REQUEST_BYTES_MAX {
            return Err(RedisError::TooLarge(body.len()));
        }
        let shared = &*self.shared;
        let mut tries = 0;
        let mut last = RedisError::Open;
        loop {
            let time = deadline.left(shared.transport.now()).min(self.budget.per_try);
            let Some(outcome) = shared.attempt(path, body, commands, time).await else {
                // The breaker was opened by the last try or by other calls.
                return Err(last);
            };
            tries += 1;
            last = match outcome {
                Ok(response) => return Ok(response),
                Err(error) if tries >= REDIS_ATTEMPTS_MAX || !error.is_transient(repeat) => {
                    return Err(error);
                }
                Err(error) => error,
            };
            let pause = pause(tries, shared.draw());
            if pause >= deadline.left(shared.transport.now()) {
                return Err(last);
            }
            shared.counters.count_repeat();
            shared.transport.wait(pause).await;
            if deadline.left(shared.transport.now()).is_zero() {
                return Err(last);
            }
        }
    }
}

impl<T: Transport> Shared<T> {
    /// One try; `None` if the breaker does not admit it.
    async fn attempt(
        &self,
        path: &'static str,
        body: &[u8],
        commands: usize,
        time: Duration,
    ) -> Option<Result<Vec<u8>, RedisError>> {
        let sent = self.transport.now();
        let permit = self.breaker().admit(sent)?;
        self.counters.count_request(commands);
        let sync_token = self.sync_token.latest();
        let request = HttpRequest { path, token: &self.token, sync_token: sync_token.as_deref(), body };
        let response = self.transport.exchange(request, time).await;
        let now = self.transport.now();
        let outcome = response.map_err(RedisError::from).and_then(|response| self.accept(response));
        let failed = outcome.as_ref().is_err_and(RedisError::counts_as_failure);
        self.breaker().report(&permit, failed, now);
        self.counters.count_outcome(outcome.is_ok(), now.0.saturating_sub(sent.0));
        Some(outcome)
    }

    /// The body of a response by Redis: status 200, or 400 with its error.
    fn accept(&self, response: HttpResponse) -> Result<Vec<u8>, RedisError> {
        match response.status {
            200 | 400 => {
                self.sync_token.keep(response.sync_token);
                Ok(response.body)
            }
            401 => Err(RedisError::Unauthorized),
            status => Err(RedisError::Status(status)),
        }
    }

    pub(super) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) -> u64 {
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
