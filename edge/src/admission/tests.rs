use auth::rate::limit::Rates;
use redis_client::fake::{FakeRedis, Step};
use redis_client::keys::Keys;
use redis_client::limits::BREAKER_FAILURES;
use serde_json::{Value as Json, json};

use super::*;
use crate::client_info::ClientInfo;

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn admission() -> (Admission<FakeRedis>, FakeRedis) {
    let redis = FakeRedis::silent();
    (Admission::new(&redis.client()), redis)
}

fn keys() -> Keys {
    Keys::new("t").unwrap()
}

fn session() -> AdmissionCheck {
    let session = Some(keys().session(&"7".parse().unwrap(), "s1"));
    AdmissionCheck { session, asked: SessionSource::Cache, limits: Vec::new(), ceiling: None }
}

/// The limit of one user.
fn user() -> AdmissionCheck {
    let limit = Rates::default().user;
    let key = keys().rate(&"7".parse().unwrap(), "u1", limit.name);
    AdmissionCheck { limits: vec![CountedLimit { key, limit, local_limit: limit }], ..session() }
}

fn remaining(result: &AdmissionResult) -> u64 {
    result.decision.as_ref().unwrap().states[0].remaining()
}

#[test]
fn session_and_limit_are_one_round_trip_and_then_the_limit_alone() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&[Json::Null, json!([1, 600_000])])]);
    redis.then([Step::replies(&[json!([0, 60_000_000])])]);
    let result = redis.run(admission.run(&user(), NOW));
    assert!(!result.revoked && result.failure.is_none());
    assert_eq!(remaining(&result), 99);
    let result = redis.run(admission.run(&user(), NOW));
    assert_eq!(result.decision.unwrap().retry_after_secs(), Some(1));
    assert_eq!(redis.bodies().len(), 2);
    let sent: Vec<Vec<Vec<String>>> =
        redis.bodies().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let names = |body: &[Vec<String>]| body.iter().map(|command| command[0].clone()).collect::<Vec<_>>();
    assert_eq!(sent[0][0], ["GETEX", "t:7:session:s1", "PX", "7200000"]);
    assert_eq!(sent[0][1][2..5], ["1", "t:7:rate:user:u1", "1765103400000000"]);
    assert_eq!(names(&sent[0]), ["GETEX", "EVALSHA"]);
    assert_eq!(names(&sent[1]), ["EVALSHA"]);
}

#[test]
fn a_cached_status_needs_no_request() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&["v1.sealed".into()])]);
    assert!(!redis.run(admission.run(&session(), NOW)).revoked);
    assert!(!redis.run(admission.run(&session(), Timestamp(NOW.plus_secs(5).0 - 1))).revoked);
    assert_eq!(redis.bodies().len(), 1);
    let nothing =
        AdmissionCheck { session: None, asked: SessionSource::Cache, limits: Vec::new(), ceiling: None };
    assert!(redis.run(admission.run(&nothing, NOW)).failure.is_none());
    assert_eq!(redis.bodies().len(), 1);
}

#[test]
fn a_check_that_skips_the_cache_asks_redis() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&[Json::Null])]);
    redis.then([Step::replies(&["revoked".into()])]);
    assert!(!redis.run(admission.run(&session(), NOW)).revoked);
    assert!(redis.run(admission.run(&session().asking(SessionSource::Redis), NOW)).revoked);
    // The revocation is cached, and a cached revocation always counts.
    assert!(
        redis.run(admission.run(&session(), NOW)).revoked
            && redis.run(admission.run(&session().asking(SessionSource::Redis), NOW)).revoked
    );
    assert_eq!(redis.bodies().len(), 2);
}

#[test]
fn many_sessions_are_one_command_and_an_end_is_remembered() {
    let (admission, redis) = admission();
    let key = |i: usize| keys().session(&"7".parse().unwrap(), &format!("s{i}"));
    let all: Vec<Key> = (0..100).map(key).collect();
    // Redis over REST encodes strings in Base64: `revoked`.
    let values: Vec<Json> =
        (0..100).map(|i| if i == 1 { "cmV2b2tlZA==".into() } else { Json::Null }).collect();
    redis.then([Step::ok(&json!({ "result": values }).to_string())]);
    let (ended, failure) = redis.run(admission.ended_sessions(&all, NOW));
    assert!(failure.is_none());
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1);
    assert!(ended[1] && redis.run(admission.run(&session(), NOW)).revoked);
    assert_eq!(redis.bodies().len(), 1);
    // Without Redis, the end is still known, and all others go on.
    let (ended, failure) = redis.run(admission.ended_sessions(&all[..3], NOW));
    assert_eq!((ended, failure.is_some(), admission.local_decisions()), (vec![false, true, false], true, 1));
}

#[test]
fn a_room_asks_for_the_session_of_a_socket_unless_its_end_is_known() {
    let (admission, redis) = admission();
    let of_room = || session().asking(SessionSource::Room);
    assert_eq!(admission.commands(&of_room(), NOW), Some(0));
    assert!(!redis.run(admission.run(&of_room(), NOW)).revoked);
    admission.note_end(session().session.as_ref().unwrap(), NOW);
    assert!(redis.run(admission.run(&of_room(), NOW)).revoked);
    assert!(redis.bodies().is_empty());
}

#[test]
fn a_revoked_session_is_refused_within_five_seconds_and_counts_no_more() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&[Json::Null])]);
    redis.then([Step::replies(&["revoked".into(), json!([1, 600_000])])]);
    assert!(!redis.run(admission.run(&session(), NOW)).revoked);
    let later = NOW.plus_secs(5);
    let result = redis.run(admission.run(&user(), later));
    assert!(result.revoked && result.decision.is_some());
    let again = redis.run(admission.run(&user(), later));
    assert!(again.revoked && again.decision.is_none());
    assert_eq!(redis.bodies().len(), 2);
}

#[test]
fn a_revoked_session_stays_refused_without_redis() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&["revoked".into()])]);
    assert!(redis.run(admission.run(&session(), NOW)).revoked);
    for secs in [6, 60, 900] {
        assert!(redis.run(admission.run(&session(), NOW.plus_secs(secs))).revoked, "{secs}");
    }
    assert_eq!(redis.bodies().len(), 1);
}

#[test]
fn a_session_that_a_function_ended_is_refused_without_asking_redis() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&[Json::Null])]);
    assert!(!redis.run(admission.run(&session(), NOW)).revoked);
    admission.note_end(session().session.as_ref().unwrap(), NOW);
    assert!(redis.run(admission.run(&session(), NOW)).revoked);
    assert_eq!(redis.bodies().len(), 1);
}

#[test]
fn an_exhausted_limit_refuses_without_asking_redis_until_a_request_comes_back() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&[Json::Null, json!([0, 60_000_000])])]);
    redis.then([Step::replies(&[json!([1, 60_000_000])])]);
    assert!(!redis.run(admission.run(&user(), NOW)).decision.unwrap().allowed);
    for micros in [0, 599_999] {
        let refused = redis.run(admission.run(&user(), Timestamp(NOW.0 + micros)));
        assert!(!refused.revoked && refused.failure.is_none());
        assert_eq!(refused.decision.unwrap().retry_after_secs(), Some(1));
    }
    assert_eq!(redis.bodies().len(), 1);
    let allowed = redis.run(admission.run(&user(), Timestamp(NOW.0 + 600_000)));
    assert!(allowed.decision.unwrap().allowed);
    assert_eq!(redis.bodies().len(), 2);
}

#[test]
fn without_redis_sessions_are_active_and_requests_are_counted_locally() {
    let (admission, redis) = admission();
    for left in (0..100).rev() {
        let result = redis.run(admission.run(&user(), NOW));
        assert!(!result.revoked && result.failure.is_some());
        assert_eq!(remaining(&result), left);
    }
    assert!(!redis.run(admission.run(&user(), NOW)).decision.unwrap().allowed);
    assert_eq!(admission.local_decisions(), 101);
    // Once the breaker is open, no request waits and no failure is logged.
    assert_eq!(redis.bodies().len(), BREAKER_FAILURES as usize);
    assert!(redis.run(admission.run(&session(), NOW)).failure.unwrap().is_repeated());
}

#[test]
fn without_redis_fewer_sign_ins_are_admitted() {
    let (admission, redis) = admission();
    let policy = AdmissionPolicy::new(keys(), Rates::default());
    let sign_in = |address: &str| {
        let client_info = ClientInfo::new(Some(address), None);
        redis.run(admission.run(&policy.for_sign_in(&client_info), NOW)).decision.unwrap()
    };
    assert!((0..10).all(|_| sign_in("203.0.113.7").allowed));
    let refused = sign_in("203.0.113.7");
    assert_eq!((refused.allowed, refused.retry_after_secs()), (false, Some(6)));
    assert!(sign_in("203.0.113.8").allowed);
}

#[test]
fn one_failed_reply_does_not_void_the_other() {
    let (admission, redis) = admission();
    redis.then([Step::replies(&["revoked".into(), json!({ "error": "ERR script" })])]);
    let result = redis.run(admission.run(&user(), NOW));
    assert!(result.revoked && result.failure.is_some());
    assert_eq!(remaining(&result), 99);
    let (admission, redis) = self::admission();
    redis.then([Step::replies(&[json!({ "error": "WRONGTYPE" }), json!([1, 1_200_000])])]);
    let result = redis.run(admission.run(&user(), NOW));
    assert!(!result.revoked && result.failure.is_some());
    assert_eq!(remaining(&result), 98);
    redis.then([Step::replies(&[Json::Null, json!([7])])]);
    let result = redis.run(admission.run(&user(), NOW));
    assert!(matches!(result.failure, Some(AdmissionError::NoDecision)));
}

#[test]
fn the_commands_of_a_check_are_known_before_it_runs() {
    let (admission, redis) = admission();
    assert_eq!((admission.commands(&user(), NOW), admission.commands(&session(), NOW)), (Some(2), Some(1)));
    redis.then([Step::replies(&[Json::Null])]);
    redis.run(admission.run(&session(), NOW));
    assert_eq!((admission.commands(&user(), NOW), admission.commands(&session(), NOW)), (Some(1), Some(0)));
    assert_eq!(admission.commands(&session().asking(SessionSource::Redis), NOW), Some(1));
    redis.then([Step::replies(&[json!([0, 60_000_000])])]);
    redis.run(admission.run(&user(), NOW));
    assert_eq!(admission.commands(&user(), NOW), None);
}

#[test]
fn a_ceiling_is_counted_for_each_client_without_redis() {
    let (admission, redis) = admission();
    let of = |client: &str| {
        let limit = Rates::default().client_sync.with_quota("3").unwrap();
        let ceiling = CountedLimit {
            key: keys().rate(&client.parse().unwrap(), "", limit.name),
            limit,
            local_limit: limit,
        };
        AdmissionCheck {
            session: None,
            asked: SessionSource::Cache,
            limits: Vec::new(),
            ceiling: Some(ceiling),
        }
    };
    for _ in 0..3 {
        let result = redis.run(admission.run(&of("7"), NOW));
        // A request below the ceiling shows no limit.
        assert!(result.decision.is_none() && result.failure.is_none());
    }
    let refused = redis.run(admission.run(&of("7"), NOW)).decision.unwrap();
    assert_eq!((refused.allowed, refused.retry_after_secs()), (false, Some(20)));
    assert!(redis.run(admission.run(&of("8"), NOW)).decision.is_none());
    assert!(redis.run(admission.run(&of("7"), NOW.plus_secs(20))).decision.is_none());
    assert_eq!(redis.bodies().len(), 0);
}
