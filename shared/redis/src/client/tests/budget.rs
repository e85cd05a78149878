//! Time limits of a try and of a call.

use std::time::Duration;

use crate::budget::Budget;
use crate::command::get;
use crate::error::RedisError;
use crate::fake::{FakeRedis, Step, key};
use crate::script::Script;
use crate::transport::{Transport, TransportError};
use proptest::prelude::*;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_try_has_its_own_deadline_and_the_last_one_has_the_rest() {
    let (service, client) = FakeRedis::scripted(vec![Step::Silent; 5]);
    let client = client.within(Budget { per_try: millis(400), total: millis(1000) });
    let error = service.run(client.run(&get(&key("a")))).unwrap_err();
    assert!(matches!(error, RedisError::Transport(TransportError::Late)), "{error:?}");
    let deadlines: Vec<_> = service.seen().iter().map(|seen| seen.deadline).collect();
    assert_eq!(deadlines.len(), 3);
    assert_eq!(deadlines[..2], [millis(400), millis(400)]);
    assert!(deadlines[2] < millis(200) && !deadlines[2].is_zero());
    assert_eq!(service.now().0, 1_000_000);
}

#[test]
fn sending_a_script_again_does_not_extend_the_deadline() {
    let no_script = Step::status(400, r#"{"error":"NOSCRIPT No matching script."}"#);
    let (service, client) = FakeRedis::scripted([no_script, Step::Silent]);
    let client = client.within(Budget { per_try: millis(100), total: millis(100) });
    let call = Script::once("return 1").call(&[], &[]);
    assert!(service.run(client.run(&call)).is_err());
    assert_eq!(service.now().0, 100_000);
}

#[test]
fn a_clone_with_another_budget_shares_the_counts() {
    let (service, client) = FakeRedis::scripted([Step::string("x")]);
    service.run(client.within(Budget { per_try: millis(1), total: millis(1) }).run(&get(&key("a")))).unwrap();
    assert_eq!(client.health().counts.requests, 1);
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Refused),
        Just(Step::BrokeOff),
        Just(Step::Silent),
        Just(Step::status(503, "")),
        Just(Step::status(429, "")),
    ]
}

proptest! {
    #[test]
    fn no_budget_is_ever_exceeded(
        steps in prop::collection::vec(step(), 5),
        per_try in 1_u64..2000,
        total in 1_u64..2000,
    ) {
        let (service, client) = FakeRedis::scripted(steps);
        let client = client.within(Budget { per_try: millis(per_try), total: millis(total) });
        prop_assert!(service.run(client.run(&get(&key("a")))).is_err());
        prop_assert!(service.now().0 <= total * 1000, "{:?}", service.seen());
        for seen in service.seen() {
            prop_assert!(seen.deadline <= millis(per_try) && !seen.deadline.is_zero());
        }
    }
}
