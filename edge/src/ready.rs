//! `GET /readyz`: how well the edge is, and Redis, without which it goes on.

use std::cell::{Cell, RefCell};

use auth::limits::READY_SECS;
use protocol::timestamp::Timestamp;
use protocol::wire::health::{Ready, RedisHealth, hit_ratio};
use redis_client::client::Client;
use redis_client::command::{Info, Ping, Sections};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use worker::Response;

use crate::answer;
use crate::error::RequestError;
use crate::visit::Visit;

/// Answers whoever asks: nothing in it is worth hiding, and it costs next to nothing.
pub(crate) async fn handle(visit: &Visit) -> Result<Response, RequestError> {
    let ready = visit.door.readiness.ask(&visit.door.redis, visit.now).await;
    let body = serde_json::to_string(&ready).map_err(worker::Error::from)?;
    Ok(answer::json(&body)?)
}

/// What was found out last. However often it is asked for, Redis is asked every [`READY_SECS`] at most, once it has
/// answered.
#[derive(Default)]
pub(crate) struct Readiness {
    asked_at: Cell<Option<Timestamp>>,
    found: RefCell<Option<Ready>>,
}

impl Readiness {
    /// How well `redis` is at `now`, or was a moment ago.
    pub(crate) async fn ask<T: Transport>(&self, redis: &Client<T>, now: Timestamp) -> Ready {
        let is_recent = |asked: Timestamp| now < asked.plus_secs(READY_SECS);
        let found = self.found.borrow().clone().filter(|_| self.asked_at.get().is_some_and(is_recent));
        // While the first question is under way, others ask for themselves: nobody can wait for another's request.
        if let Some(found) = found {
            return found;
        }
        self.asked_at.set(Some(now));
        let ready = of(redis, question(redis).await.ok().as_ref());
        *self.found.borrow_mut() = Some(ready.clone());
        ready
    }
}

async fn question<T: Transport>(redis: &Client<T>) -> Result<Sections, RedisError> {
    let mut pipeline = Pipeline::new();
    let (ping, info) = (pipeline.push(&Ping), pipeline.push(&Info));
    let mut replies = redis.pipeline(&pipeline).await?;
    replies.take(ping)?;
    // Some services do not answer INFO; they are reached all the same.
    Ok(replies.take(info).unwrap_or_default())
}

/// The answer, from what Redis says of itself, if it answered.
fn of<T: Transport>(redis: &Client<T>, sections: Option<&Sections>) -> Ready {
    let health = redis.health();
    let latency = health.last_latency.filter(|_| sections.is_some());
    let number = |name| sections.and_then(|sections| sections.get(name)?.parse::<u64>().ok());
    Ready::new(RedisHealth {
        reachable: sections.is_some(),
        latency_micros: latency.and_then(|latency| u64::try_from(latency.as_micros()).ok()),
        used_memory_bytes: number("used_memory"),
        breaker: health.breaker.into(),
        hit_ratio: number("keyspace_hits")
            .zip(number("keyspace_misses"))
            .and_then(|(hits, misses)| hit_ratio(hits, misses)),
    })
}

#[cfg(test)]
mod tests {
    use protocol::wire::health::{BreakerState, Status};
    use serde_json::json;

    use super::*;
    use crate::scripted::{Scripted, block_on, client};

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
    const INFO: &str = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n# Stats\r\nkeyspace_hits:93\r\nkeyspace_misses:7\r\n";

    #[test]
    fn redis_is_asked_once_in_five_seconds() {
        let line = Scripted::default();
        let redis = client(&line);
        let readiness = Readiness::default();
        for _ in 0..2 {
            line.answers(&["PONG".into(), INFO.into()]);
        }
        let first = block_on(readiness.ask(&redis, NOW));
        assert_eq!(first.status, Status::Ok);
        assert_eq!(first.redis.used_memory_bytes, Some(1_048_576));
        assert_eq!(first.redis.hit_ratio.as_deref(), Some("0.93"));
        assert_eq!(first.redis.breaker, BreakerState::Closed);
        assert_eq!(block_on(readiness.ask(&redis, Timestamp(NOW.plus_secs(5).0 - 1))), first);
        assert_eq!(line.sent(), [r#"[["PING"],["INFO"]]"#]);
        block_on(readiness.ask(&redis, NOW.plus_secs(5)));
        assert_eq!(line.sent().len(), 2);
    }

    #[test]
    fn without_redis_the_edge_is_degraded_and_says_so() {
        let line = Scripted::default();
        let ready = block_on(Readiness::default().ask(&client(&line), NOW));
        assert_eq!((ready.status, ready.redis.reachable), (Status::Degraded, false));
        assert_eq!((ready.redis.latency_micros, ready.redis.hit_ratio), (None, None));
    }

    #[test]
    fn who_asks_during_the_first_question_asks_too() {
        let line = Scripted::default();
        let readiness = Readiness::default();
        readiness.asked_at.set(Some(NOW));
        line.answers(&["PONG".into(), INFO.into()]);
        let ready = block_on(readiness.ask(&client(&line), NOW));
        assert_eq!((ready.status, line.sent().len()), (Status::Ok, 1));
    }

    #[test]
    fn a_service_that_does_not_answer_info_is_reached() {
        let line = Scripted::default();
        line.answers(&["PONG".into(), json!({ "error": "ERR Command is not available: 'INFO'" })]);
        let ready = block_on(Readiness::default().ask(&client(&line), NOW));
        assert_eq!((ready.status, ready.redis.reachable), (Status::Ok, true));
        assert_eq!((ready.redis.used_memory_bytes, ready.redis.hit_ratio), (None, None));
    }
}
