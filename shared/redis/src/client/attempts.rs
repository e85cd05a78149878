//! One request with its tries: when another is worth it, and when it must not be made.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{Client, Line};
use crate::breaker::Breaker;
use crate::budget::pause;
use crate::command::Repeat;
use crate::error::RedisError;
use crate::limits::{REDIS_ATTEMPTS_MAX, REDIS_REQUEST_BYTES_MAX};
use crate::transport::{HttpRequest, HttpResponse, Transport};
use protocol::timestamp::Timestamp;

/// When a call must be over. A script that is sent a second time has no second budget.
pub(super) struct Clock {
    end: Timestamp,
}

impl Clock {
    fn left(&self, now: Timestamp) -> Duration {
        Duration::from_micros(self.end.0.saturating_sub(now.0))
    }
}

impl<T: Transport> Client<T> {
    /// Starts a call's budget.
    pub(super) fn start(&self) -> Clock {
        let total = u64::try_from(self.budget.total.as_micros()).unwrap_or(u64::MAX);
        Clock { end: Timestamp(self.line.transport.now().0.saturating_add(total)) }
    }

    /// Sends a request of `commands` commands until it is answered, may not be repeated, or the budget is spent; then
    /// the error is the last try's. The answer is one of Redis, be it an error.
    pub(super) async fn send(
        &self,
        clock: &mut Clock,
        path: &'static str,
        body: &[u8],
        commands: usize,
        repeat: Repeat,
    ) -> Result<Vec<u8>, RedisError> {
        if body.len() > REDIS_REQUEST_BYTES_MAX {
            return Err(RedisError::TooLarge(body.len()));
        }
        let line = &*self.line;
        let mut tried = 0;
        let mut last = RedisError::Open;
        loop {
            let deadline = clock.left(line.transport.now()).min(self.budget.per_try);
            let outcome = match line.attempt(path, body, commands, deadline).await {
                Some(outcome) => outcome,
                // Opened by the last try, or by others' in the meantime.
                None => return Err(last),
            };
            tried += 1;
            last = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) if tried >= REDIS_ATTEMPTS_MAX || !error.passes(repeat) => return Err(error),
                Err(error) => error,
            };
            let pause = pause(tried, line.draw());
            if pause >= clock.left(line.transport.now()) {
                return Err(last);
            }
            line.counters.repeated();
            line.transport.wait(pause).await;
            if clock.left(line.transport.now()).is_zero() {
                return Err(last);
            }
        }
    }
}

impl<T: Transport> Line<T> {
    /// One try, or `None` if the breaker lets none through.
    async fn attempt(
        &self,
        path: &'static str,
        body: &[u8],
        commands: usize,
        deadline: Duration,
    ) -> Option<Result<Vec<u8>, RedisError>> {
        let sent = self.transport.now();
        let pass = self.breaker().ask(sent)?;
        self.counters.sent(commands);
        let sync_token = self.sync_token.latest();
        let request = HttpRequest { path, token: &self.token, sync_token: sync_token.as_deref(), body };
        let answer = self.transport.exchange(request, deadline).await;
        let now = self.transport.now();
        let outcome = answer.map_err(RedisError::from).and_then(|answer| self.accept(answer));
        let ails = outcome.as_ref().is_err_and(RedisError::ails);
        self.breaker().report(&pass, ails, now);
        self.counters.ended(outcome.is_ok(), now.0.saturating_sub(sent.0));
        Some(outcome)
    }

    /// The body of an answer that is Redis's: 200, or 400 with its error.
    fn accept(&self, answer: HttpResponse) -> Result<Vec<u8>, RedisError> {
        match answer.status {
            200 | 400 => {
                self.sync_token.keep(answer.sync_token);
                Ok(answer.body)
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
