//! The client with its circuit breaker.

use std::time::Duration;

use crate::client::Client;
use crate::command::{Get, IncrBy};
use crate::error::RedisError;
use crate::fake::{Scripted, Step, key, run};
use crate::limits::BREAKER_PAUSE_MILLIS;
use protocol::wire::health::BreakerState;

fn get(client: &Client<Scripted>) -> Result<Option<Vec<u8>>, RedisError> {
    run(client.run(&Get::new(&key("a"))))
}

#[test]
fn a_dead_redis_is_asked_five_times_and_then_left_alone_until_a_probe_succeeds() {
    let (service, client) = Scripted::client(vec![Step::Refused; 5]);
    assert!(get(&client).is_err());
    assert_eq!(client.health().breaker, BreakerState::Open);
    let asked = service.seen().len();
    for _ in 0..100 {
        assert!(matches!(get(&client), Err(RedisError::Open)));
    }
    assert_eq!(service.seen().len(), asked);

    service.pass(Duration::from_millis(BREAKER_PAUSE_MILLIS));
    service.then([Step::Refused]);
    // The probe fails, and is the last try of its call.
    assert!(matches!(get(&client), Err(RedisError::Transport(_))));
    assert_eq!(service.seen().len(), asked + 1);

    service.pass(Duration::from_millis(BREAKER_PAUSE_MILLIS));
    service.then([Step::string("x")]);
    assert_eq!(get(&client).unwrap().unwrap(), b"x");
    assert_eq!(client.health().breaker, BreakerState::Closed);
}

#[test]
fn calls_that_are_not_repeated_open_it_as_well() {
    let (_, client) = Scripted::client(vec![Step::status(500, ""); 5]);
    for _ in 0..5 {
        let error = run(client.run(&IncrBy::new(&key("a"), 1))).unwrap_err();
        assert!(matches!(error, RedisError::Status(500)), "{error:?}");
    }
    assert!(matches!(get(&client), Err(RedisError::Open)));
}

#[test]
fn what_redis_says_itself_never_opens_it() {
    for step in [
        Step::status(400, r#"{"error":"ERR wrong number of arguments"}"#),
        Step::status(401, r#"{"error":"WRONGPASS"}"#),
        Step::ok(r#"{"error":"OOM command not allowed"}"#),
        Step::ok(r#"{"result":{}}"#),
    ] {
        let (_, client) = Scripted::client(vec![step.clone(); 50]);
        for _ in 0..50 {
            assert!(get(&client).is_err());
        }
        assert_eq!(client.health().breaker, BreakerState::Closed, "{step:?}");
    }
}

#[test]
fn being_told_to_slow_down_is_no_failure_of_redis() {
    let (_, client) = Scripted::client(vec![Step::status(429, ""); 50]);
    for _ in 0..10 {
        assert!(matches!(get(&client), Err(RedisError::Status(429))));
    }
    assert_eq!(client.health().breaker, BreakerState::Closed);
}

#[test]
fn health_has_the_last_answers_time() {
    let (_, client) = Scripted::client([Step::string("x")]);
    assert_eq!(client.health().last_latency, None);
    get(&client).unwrap();
    assert_eq!(client.health().last_latency, Some(Duration::from_millis(1)));
}
