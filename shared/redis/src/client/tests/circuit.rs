//! The client with its circuit breaker.

use std::time::Duration;

use crate::client::Client;
use crate::command::{get, incr_by};
use crate::error::RedisError;
use crate::fake::{FakeRedis, Step, key};
use crate::limits::BREAKER_PAUSE_MILLIS;
use protocol::wire::health::BreakerState;

fn read(service: &FakeRedis, client: &Client<FakeRedis>) -> Result<Option<Vec<u8>>, RedisError> {
    service.run(client.run(&get(&key("a"))))
}

#[test]
fn after_five_failures_only_probes_are_sent_until_one_succeeds() {
    let (service, client) = FakeRedis::scripted(vec![Step::Refused; 5]);
    assert!(read(&service, &client).is_err());
    assert_eq!(client.health().breaker, BreakerState::Open);
    let asked = service.seen().len();
    for _ in 0..100 {
        assert!(matches!(read(&service, &client), Err(RedisError::Open)));
    }
    assert_eq!(service.seen().len(), asked);

    service.advance_millis(BREAKER_PAUSE_MILLIS);
    service.then([Step::Refused]);
    // The probe fails and is the last try of its call.
    assert!(matches!(read(&service, &client), Err(RedisError::Transport(_))));
    assert_eq!(service.seen().len(), asked + 1);

    service.advance_millis(BREAKER_PAUSE_MILLIS);
    service.then([Step::string("x")]);
    assert_eq!(read(&service, &client).unwrap().unwrap(), b"x");
    assert_eq!(client.health().breaker, BreakerState::Closed);
}

#[test]
fn failures_that_are_not_repeated_count_too() {
    let (service, client) = FakeRedis::scripted(vec![Step::status(500, ""); 5]);
    for _ in 0..5 {
        let error = service.run(client.run(&incr_by(&key("a"), 1))).unwrap_err();
        assert!(matches!(error, RedisError::Status(500)), "{error:?}");
    }
    assert!(matches!(read(&service, &client), Err(RedisError::Open)));
}

#[test]
fn redis_errors_do_not_open_it() {
    for step in [
        Step::status(400, r#"{"error":"ERR wrong number of arguments"}"#),
        Step::status(401, r#"{"error":"WRONGPASS"}"#),
        Step::ok(r#"{"error":"OOM command not allowed"}"#),
        Step::ok(r#"{"result":{}}"#),
    ] {
        let (service, client) = FakeRedis::scripted(vec![step.clone(); 50]);
        for _ in 0..50 {
            assert!(read(&service, &client).is_err());
        }
        assert_eq!(client.health().breaker, BreakerState::Closed, "{step:?}");
    }
}

#[test]
fn too_many_requests_is_not_a_failure_of_redis() {
    let (service, client) = FakeRedis::scripted(vec![Step::status(429, ""); 50]);
    for _ in 0..10 {
        assert!(matches!(read(&service, &client), Err(RedisError::Status(429))));
    }
    assert_eq!(client.health().breaker, BreakerState::Closed);
}

#[test]
fn health_has_the_last_answers_time() {
    let (service, client) = FakeRedis::scripted([Step::string("x")]);
    assert_eq!(client.health().last_latency, None);
    read(&service, &client).unwrap();
    assert_eq!(client.health().last_latency, Some(Duration::from_millis(1)));
}
