//! Which requests are repeated.

use super::super::Counts;
use crate::command::{get, incr_by};
use crate::error::RedisError;
use crate::fake::{FakeRedis, Step, key};
use crate::limits::REDIS_ATTEMPTS_MAX;
use crate::pipeline::Pipeline;

/// The outcome of a try, whether a command that may run twice is sent again, and whether another command is.
fn matrix() -> [(Step, bool, bool); 11] {
    [
        (Step::Refused, true, true),
        (Step::BrokeOff, true, false),
        (Step::Silent, true, false),
        (Step::status(500, "oops"), true, false),
        (Step::status(502, ""), true, false),
        (Step::status(503, ""), true, false),
        (Step::status(429, ""), true, false),
        (Step::status(401, r#"{"error":"WRONGPASS"}"#), false, false),
        (Step::status(404, ""), false, false),
        (Step::status(400, r#"{"error":"ERR value is not an integer"}"#), false, false),
        (Step::ok("<html>"), false, false),
    ]
}

#[test]
fn a_safe_command_is_repeated_after_every_transient_failure() {
    for (step, again, _) in matrix() {
        let (service, client) = FakeRedis::scripted([step.clone(), Step::string("x")]);
        let value = service.run(client.run(&get(&key("a"))));
        assert_eq!(value.is_ok(), again, "{step:?}: {value:?}");
        assert_eq!(service.seen().len(), if again { 2 } else { 1 }, "{step:?}");
    }
}

#[test]
fn an_unsafe_command_is_repeated_only_if_it_never_arrived() {
    for (step, _, again) in matrix() {
        let (service, client) = FakeRedis::scripted([step.clone(), Step::ok(r#"{"result":1}"#)]);
        let value = service.run(client.run(&incr_by(&key("a"), 1)));
        assert_eq!(value.is_ok(), again, "{step:?}: {value:?}");
        assert_eq!(service.seen().len(), if again { 2 } else { 1 }, "{step:?}");
    }
}

#[test]
fn a_pipeline_is_safe_only_if_each_of_its_commands_is() {
    for (step, safe, all_but_one) in matrix() {
        for (counts, again) in [(false, safe), (true, all_but_one)] {
            let (service, client) =
                FakeRedis::scripted([step.clone(), Step::ok(r#"[{"result":null},{"result":1}]"#)]);
            let mut pipeline = Pipeline::new();
            pipeline.push(get(&key("a")));
            if counts {
                pipeline.push(incr_by(&key("a"), 1));
            } else {
                pipeline.push(get(&key("b")));
            }
            let (replies, what) =
                (service.run(client.pipeline(&pipeline)), format!("{step:?}, counts: {counts}"));
            assert_eq!(replies.is_ok(), again, "{what}: {replies:?}");
            assert_eq!(service.seen().len(), if again { 2 } else { 1 }, "{what}");
        }
    }
}

#[test]
fn after_five_tries_with_growing_pauses_the_last_error_is_returned() {
    let (service, client) = FakeRedis::scripted(vec![Step::Refused; 5]);
    let error = service.run(client.run(&incr_by(&key("a"), 1))).unwrap_err();
    assert!(matches!(error, RedisError::Transport(_)), "{error:?}");
    let at: Vec<_> = service.seen().iter().map(|seen| seen.at.0).collect();
    assert_eq!(at.len(), REDIS_ATTEMPTS_MAX as usize);
    // A millisecond each, and pauses of at most 20, 40, 80 and 160.
    for (pair, longest) in at.windows(2).zip([20_000, 40_000, 80_000, 160_000]) {
        assert!((1000..=1000 + longest).contains(&(pair[1] - pair[0])), "{at:?}");
    }
    assert_eq!(at[1], 21_000);
    assert_eq!(client.health().counts, Counts { requests: 5, commands: 5, failures: 5, repeats: 4 });
}
