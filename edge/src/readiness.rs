//! The health of the parts: Redis, a function, DynamoDB through it, and a room.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use auth::limits::READY_SECS;
use futures_util::future::join;
use protocol::timestamp::Timestamp;
use protocol::wire::health::{
    DatabaseHealth, OtherParts, PartHealth, ReadinessResponse, RedisHealth, hit_ratio,
};
use redis_client::client::Client;
use redis_client::command::{self, Sections};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;

use crate::context::RequestContext;
use crate::{clock, room};

/// The last answer; it is good for [`READY_SECS`], so that callers cannot load the parts.
#[derive(Default)]
pub(crate) struct Readiness {
    /// When the parts were asked last, and how often they were.
    asked_at: Cell<Option<Timestamp>>,
    checks: Cell<u64>,
    last: RefCell<Option<ReadinessResponse>>,
}

/// How long a request waits for the first answer of another request, which may have been cancelled.
const FIRST_ANSWER_BOUND: Duration = Duration::from_secs(5);
const FIRST_ANSWER_POLL: Duration = Duration::from_millis(100);

impl Readiness {
    /// Asks Redis, and by `probe` the other parts at the same time. `pause` waits.
    pub(crate) async fn check<T: Transport>(
        &self,
        redis: &Client<T>,
        probe: impl Future<Output = OtherParts>,
        pause: impl AsyncFn(Duration),
        now: Timestamp,
    ) -> ReadinessResponse {
        if let Some(last) = self.recent(pause, now).await {
            return last;
        }
        self.asked_at.set(Some(now));
        self.checks.set(self.checks.get().wrapping_add(1));
        let (sections, others) = join(info(redis), probe).await;
        let ready = readiness(redis, sections.ok().as_ref(), others);
        *self.last.borrow_mut() = Some(ready.clone());
        ready
    }

    /// The recent answer, or the first one once it is there; `None` if this request must ask. A request
    /// cannot await what another one reads, so it looks again and again.
    async fn recent(&self, pause: impl AsyncFn(Duration), now: Timestamp) -> Option<ReadinessResponse> {
        let (mut check, mut waited) = (self.checks.get(), Duration::ZERO);
        loop {
            self.asked_at.get().filter(|asked| now < asked.plus_secs(READY_SECS))?;
            if let Some(last) = self.last.borrow().clone() {
                return Some(last);
            }
            if check != self.checks.get() {
                // Another request has taken over.
                (check, waited) = (self.checks.get(), Duration::ZERO);
            }
            if waited >= FIRST_ANSWER_BOUND {
                return None;
            }
            pause(FIRST_ANSWER_POLL).await;
            waited += FIRST_ANSWER_POLL;
        }
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
fn readiness<T: Transport>(
    redis: &Client<T>,
    sections: Option<&Sections>,
    others: OtherParts,
) -> ReadinessResponse {
    let health = redis.health();
    let latency = health.last_latency.filter(|_| sections.is_some());
    let number = |name| sections.and_then(|sections| sections.get(name)?.parse::<u64>().ok());
    let redis = RedisHealth {
        reachable: sections.is_some(),
        latency_micros: latency.and_then(|latency| u64::try_from(latency.as_micros()).ok()),
        used_memory_bytes: number("used_memory"),
        breaker: health.breaker,
        hit_ratio: number("keyspace_hits")
            .zip(number("keyspace_misses"))
            .and_then(|(hits, misses)| hit_ratio(hits, misses)),
    };
    ReadinessResponse::new(redis, others)
}

/// How long a part may take to answer. The clock of the edge has milliseconds, so 0 is less than one.
const PROBE_BOUND: Duration = Duration::from_secs(3);

/// Asks a function, which asks DynamoDB, and a room, at the same time.
pub(crate) async fn probe(context: &RequestContext) -> OtherParts {
    let function = async {
        let began_at = clock::now();
        let response = context.check_health().await.ok().filter(|response| response.status == 200)?;
        let health: DatabaseHealth = serde_json::from_slice(&response.body).ok()?;
        Some((since(began_at), health.database))
    };
    let room = async {
        let began_at = clock::now();
        room::probe(&context.env).await.ok()?;
        Some(since(began_at))
    };
    let (function, room) = join(clock::within(PROBE_BOUND, function), clock::within(PROBE_BOUND, room)).await;
    let (function, database) = function.flatten().unwrap_or_default();
    OtherParts { function, database, room: room.flatten().unwrap_or_default() }
}

fn since(began_at: Timestamp) -> PartHealth {
    PartHealth::after(clock::now().0.saturating_sub(began_at.0))
}

#[cfg(test)]
mod tests {
    use futures_channel::oneshot;
    use futures_util::future::join3;
    use protocol::wire::health::{BreakerState, HealthStatus};
    use serde_json::json;

    use super::*;
    use redis_client::fake::{FakeRedis, Step};

    const NOW: Timestamp = Timestamp(1_765_103_400_000_000);
    const INFO: &str = "# Memory\r\nused_memory:1048576\r\nused_memory_human:1.00M\r\n# Stats\r\nkeyspace_hits:93\r\nkeyspace_misses:7\r\n";

    /// The other parts respond.
    async fn all() -> OtherParts {
        let part = PartHealth::after(1000);
        OtherParts { function: part, database: part, room: part }
    }

    #[test]
    fn a_part_that_does_not_respond_is_named() {
        let service = FakeRedis::silent();
        service.then([Step::replies(&["PONG".into(), INFO.into()])]);
        let probe = async { OtherParts { database: PartHealth::default(), ..all().await } };
        let ready = service.run(Readiness::default().check(&service.client(), probe, at_once, NOW));
        assert_eq!((ready.status, ready.database.reachable), (HealthStatus::Degraded, false));
        assert_eq!((ready.function.latency_micros, ready.room.reachable), (Some(1000), true));
    }

    #[test]
    fn redis_is_asked_once_in_five_seconds() {
        let service = FakeRedis::silent();
        let redis = service.client();
        let readiness = Readiness::default();
        for _ in 0..2 {
            service.then([Step::replies(&["PONG".into(), INFO.into()])]);
        }
        let first = service.run(readiness.check(&redis, all(), at_once, NOW));
        assert_eq!(first.status, HealthStatus::Ok);
        assert_eq!(first.redis.used_memory_bytes, Some(1_048_576));
        assert_eq!(first.redis.hit_ratio.as_deref(), Some("0.93"));
        assert_eq!(first.redis.breaker, BreakerState::Closed);
        assert_eq!(
            service.run(readiness.check(&redis, all(), at_once, Timestamp(NOW.plus_secs(5).0 - 1))),
            first
        );
        assert_eq!(service.bodies(), [r#"[["PING"],["INFO"]]"#]);
        service.run(readiness.check(&redis, all(), at_once, NOW.plus_secs(5)));
        assert_eq!(service.bodies().len(), 2);
    }

    #[test]
    fn without_redis_the_edge_is_degraded() {
        let service = FakeRedis::silent();
        let ready = service.run(Readiness::default().check(&service.client(), all(), at_once, NOW));
        assert_eq!((ready.status, ready.redis.reachable), (HealthStatus::Degraded, false));
        assert_eq!((ready.redis.latency_micros, ready.redis.hit_ratio), (None, None));
    }

    #[test]
    fn requests_during_the_first_check_wait_for_its_answer() {
        let service = FakeRedis::silent();
        let (redis, readiness) = (service.client(), Readiness::default());
        service.then([Step::replies(&["PONG".into(), INFO.into()])]);
        let (end, ended) = oneshot::channel();
        let (end, polls) = (Cell::new(Some(end)), Cell::new(0));
        let first = async {
            ended.await.unwrap();
            all().await
        };
        // The probe ends when the others have looked a few times.
        let pause = async |time| {
            polls.set(polls.get() + 1);
            if polls.get() == 9 {
                end.take().unwrap().send(()).unwrap();
            }
            service.wait(time).await;
        };
        let never = || async { panic!("the parts are asked again") };
        let (first, second, third) = service.run(join3(
            readiness.check(&redis, first, &pause, NOW),
            readiness.check(&redis, never(), &pause, NOW),
            readiness.check(&redis, never(), &pause, NOW),
        ));
        assert_eq!((first.status, service.bodies().len()), (HealthStatus::Ok, 1));
        assert_eq!((&second, &third), (&first, &first));
        assert!(polls.get() >= 9);
    }

    #[test]
    fn of_those_that_wait_for_a_check_that_was_cancelled_one_asks() {
        let service = FakeRedis::silent();
        let (redis, readiness) = (service.client(), Readiness::default());
        readiness.asked_at.set(Some(NOW));
        service.then([Step::replies(&["PONG".into(), INFO.into()])]);
        let waited = Cell::new(Duration::ZERO);
        let pause = async |time| {
            waited.set(waited.get() + time);
            service.wait(time).await;
        };
        let check = || readiness.check(&redis, all(), &pause, NOW);
        let (one, two) = service.run(join(check(), check()));
        assert_eq!((one.status, service.bodies().len()), (HealthStatus::Ok, 1));
        assert_eq!(one, two);
        assert!(waited.get() >= 2 * FIRST_ANSWER_BOUND, "{waited:?}");
    }

    /// No request waits here.
    async fn at_once(_: Duration) {}

    #[test]
    fn a_service_without_info_is_reachable() {
        let service = FakeRedis::silent();
        service.then([Step::replies(&[
            "PONG".into(),
            json!({ "error": "ERR Command is not available: 'INFO'" }),
        ])]);
        let ready = service.run(Readiness::default().check(&service.client(), all(), at_once, NOW));
        assert_eq!((ready.status, ready.redis.reachable), (HealthStatus::Ok, true));
        assert_eq!((ready.redis.used_memory_bytes, ready.redis.hit_ratio), (None, None));
    }
}
