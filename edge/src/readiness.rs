//! The health of the edge and of Redis. Without Redis the edge is degraded and still serves.

use std::cell::{Cell, RefCell};

use auth::limits::READY_SECS;
use protocol::timestamp::Timestamp;
use protocol::wire::health::{ReadinessResponse, RedisHealth, hit_ratio};
use redis_client::client::Client;
use redis_client::command::{self, Sections};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;

/// The last answer; it is good for [`READY_SECS`], so that callers cannot load Redis.
#[derive(Default)]
pub(crate) struct Readiness {
    asked_at: Cell<Option<Timestamp>>,
    last: RefCell<Option<ReadinessResponse>>,
}

impl Readiness {
    pub(crate) async fn check<T: Transport>(&self, redis: &Client<T>, now: Timestamp) -> ReadinessResponse {
        let is_recent = |asked: Timestamp| now < asked.plus_secs(READY_SECS);
        let last = self.last.borrow().clone().filter(|_| self.asked_at.get().is_some_and(is_recent));
        // During the first check other requests ask too: a Worker request cannot await another request's I/O.
        if let Some(last) = last {
            return last;
        }
        self.asked_at.set(Some(now));
        let ready = readiness(redis, info(redis).await.ok().as_ref());
        *self.last.borrow_mut() = Some(ready.clone());
        ready
    }
}

async fn info<T: Transport>(redis: &Client<T>) -> Result<Sections, RedisError> {
    let mut pipeline = Pipeline::new();
    let (ping, info) = (pipeline.push(command::ping()), pipeline.push(command::info()));
    let mut replies = redis.pipeline(&pipeline).await?;
    replies.take(ping)?;
    // A service without INFO is reachable too.
    Ok(replies.take(info).unwrap_or_default())
}

/// The answer; `sections` are those of INFO, if Redis answered.
fn readiness<T: Transport>(redis: &Client<T>, sections: Option<&Sections>) -> ReadinessResponse {
    let health = redis.health();
    let latency = health.last_latency.filter(|_| sections.is_some());
    let number = |name| sections.and_then(|sections| sections.get(name)?.parse::<u64>().ok());
    ReadinessResponse::new(RedisHealth {
        reachable: sections.is_some(),
        latency_micros: latency.and_then(|latency| u64::try_from(latency.as_micros()).ok()),
        used_memory_bytes: number("used_memory"),
        breaker: health.breaker,
        hit_ratio: number("keyspace_hits")
            .zip(number("keyspace_misses"))
            .and_then(|(hits, misses)| hit_ratio(hits, misses)),
    })
}

#[cfg(test)]
mod tests {
    use protocol::wire::health::{BreakerState, HealthStatus};
    use serde_json::json;

    use super::*;
    use redis_client::fake::{FakeRedis, Step};

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
    const INFO: &str = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n# Stats\r\nkeyspace_hits:93\r\nkeyspace_misses:7\r\n";

    #[test]
    fn redis_is_asked_once_in_five_seconds() {
        let service = FakeRedis::silent();
        let redis = service.client();
        let readiness = Readiness::default();
        for _ in 0..2 {
            service.then([Step::replies(&["PONG".into(), INFO.into()])]);
        }
        let first = service.run(readiness.check(&redis, NOW));
        assert_eq!(first.status, HealthStatus::Ok);
        assert_eq!(first.redis.used_memory_bytes, Some(1_048_576));
        assert_eq!(first.redis.hit_ratio.as_deref(), Some("0.93"));
        assert_eq!(first.redis.breaker, BreakerState::Closed);
        assert_eq!(service.run(readiness.check(&redis, Timestamp(NOW.plus_secs(5).0 - 1))), first);
        assert_eq!(service.bodies(), [r#"[["PING"],["INFO"]]"#]);
        service.run(readiness.check(&redis, NOW.plus_secs(5)));
        assert_eq!(service.bodies().len(), 2);
    }

    #[test]
    fn without_redis_the_edge_is_degraded() {
        let service = FakeRedis::silent();
        let ready = service.run(Readiness::default().check(&service.client(), NOW));
        assert_eq!((ready.status, ready.redis.reachable), (HealthStatus::Degraded, false));
        assert_eq!((ready.redis.latency_micros, ready.redis.hit_ratio), (None, None));
    }

    #[test]
    fn a_request_during_the_first_check_asks_redis_too() {
        let service = FakeRedis::silent();
        let readiness = Readiness::default();
        readiness.asked_at.set(Some(NOW));
        service.then([Step::replies(&["PONG".into(), INFO.into()])]);
        let ready = service.run(readiness.check(&service.client(), NOW));
        assert_eq!((ready.status, service.bodies().len()), (HealthStatus::Ok, 1));
    }

    #[test]
    fn a_service_without_info_is_reachable() {
        let service = FakeRedis::silent();
        service.then([Step::replies(&[
            "PONG".into(),
            json!({ "error": "ERR Command is not available: 'INFO'" }),
        ])]);
        let ready = service.run(Readiness::default().check(&service.client(), NOW));
        assert_eq!((ready.status, ready.redis.reachable), (HealthStatus::Ok, true));
        assert_eq!((ready.redis.used_memory_bytes, ready.redis.hit_ratio), (None, None));
    }
}
