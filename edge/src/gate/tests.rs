use auth::rate::table::Rates;
use redis_client::keys::Keys;
use redis_client::limits::BREAKER_FAILURES;
use serde_json::{Value as Json, json};

use super::*;
use crate::origin::Origin;
use crate::scripted::{Scripted, block_on, client};

const NOW: Timestamp = Timestamp(1_765_103_400_000_000);

fn gate() -> (Gate<Scripted>, Scripted) {
    let line = Scripted::default();
    (Gate::new(&client(&line)), line)
}

fn keys() -> Keys {
    Keys::new("t").unwrap()
}

fn session() -> Question {
    let session = Some(keys().session(&"7".parse().unwrap(), "s1"));
    Question { session, anew: false, limits: Vec::new() }
}

/// A user's own limit.
fn user() -> Question {
    let limit = Rates::default().user;
    let key = keys().rate(&"7".parse().unwrap(), "u1", limit.name);
    Question { limits: vec![Counted { key, limit, alone: limit }], ..session() }
}

fn remaining(outcome: &Outcome) -> u64 {
    outcome.decision.as_ref().unwrap().standings[0].remaining()
}

#[test]
fn session_and_limit_are_one_round_trip_and_then_the_limit_alone() {
    let (gate, line) = gate();
    line.answers(&[Json::Null, json!([1, 600_000])]);
    line.answers(&[json!([0, 60_000_000])]);
    let outcome = block_on(gate.ask(&user(), NOW));
    assert!(!outcome.revoked && outcome.failure.is_none());
    assert_eq!(remaining(&outcome), 99);
    let outcome = block_on(gate.ask(&user(), NOW));
    assert_eq!(outcome.decision.unwrap().retry_after_secs(), Some(1));
    let sent: Vec<Vec<Vec<String>>> =
        line.sent().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    let names = |body: &[Vec<String>]| body.iter().map(|command| command[0].clone()).collect::<Vec<_>>();
    assert_eq!(sent[0][0], ["GETEX", "t:7:session:s1", "PX", "7200000"]);
    assert_eq!(sent[0][1][2..5], ["1", "t:7:rate:user:u1", "1765103400000000"]);
    assert_eq!(names(&sent[0]), ["GETEX", "EVALSHA"]);
    assert_eq!(names(&sent[1]), ["EVALSHA"]);
}

#[test]
fn where_everything_is_known_nothing_is_asked() {
    let (gate, line) = gate();
    line.answers(&["v1.sealed".into()]);
    assert!(!block_on(gate.ask(&session(), NOW)).revoked);
    assert!(!block_on(gate.ask(&session(), Timestamp(NOW.plus_secs(5).0 - 1))).revoked);
    assert_eq!(line.sent().len(), 1);
    let nothing = Question { session: None, anew: false, limits: Vec::new() };
    assert!(block_on(gate.ask(&nothing, NOW)).failure.is_none());
    assert_eq!(line.sent().len(), 1);
}

#[test]
fn who_asks_anew_is_told_what_redis_says_now() {
    let (gate, line) = gate();
    line.answers(&[Json::Null]);
    line.answers(&["revoked".into()]);
    assert!(!block_on(gate.ask(&session(), NOW)).revoked);
    assert!(block_on(gate.ask(&session().anew(), NOW)).revoked);
    // Everybody knows it then, and an end is an end.
    assert!(
        block_on(gate.ask(&session(), NOW)).revoked && block_on(gate.ask(&session().anew(), NOW)).revoked
    );
    assert_eq!(line.sent().len(), 2);
}

#[test]
fn a_revoked_session_is_refused_within_five_seconds_and_uses_up_nothing_more() {
    let (gate, line) = gate();
    line.answers(&[Json::Null]);
    line.answers(&["revoked".into(), json!([1, 600_000])]);
    assert!(!block_on(gate.ask(&session(), NOW)).revoked);
    let later = NOW.plus_secs(5);
    let outcome = block_on(gate.ask(&user(), later));
    assert!(outcome.revoked && outcome.decision.is_some());
    let again = block_on(gate.ask(&user(), later));
    assert!(again.revoked && again.decision.is_none());
    assert_eq!(line.sent().len(), 2);
}

#[test]
fn without_redis_sessions_stand_and_requests_are_counted_here() {
    let (gate, line) = gate();
    for left in (0..100).rev() {
        let outcome = block_on(gate.ask(&user(), NOW));
        assert!(!outcome.revoked && outcome.failure.is_some());
        assert_eq!(remaining(&outcome), left);
    }
    assert!(!block_on(gate.ask(&user(), NOW)).decision.unwrap().allowed);
    assert_eq!(gate.alone(), 101);
    // After the first failures nobody waits any more, and nobody is told again.
    assert_eq!(line.sent().len(), BREAKER_FAILURES as usize);
    assert!(block_on(gate.ask(&session(), NOW)).failure.unwrap().is_known());
}

#[test]
fn without_redis_sign_ins_are_few() {
    let (gate, _) = gate();
    let questions = Questions::new(keys(), Rates::default());
    let sign_in = |name: &str, address: &str| {
        let origin = Origin::new(Some(address), None);
        block_on(gate.ask(&questions.of_sign_in(Some(name), &origin), NOW)).decision.unwrap()
    };
    assert!(sign_in("till-1", "203.0.113.7").allowed);
    let refused = sign_in("till-1", "203.0.113.8");
    assert_eq!((refused.allowed, refused.retry_after_secs()), (false, Some(60)));
    let others: Vec<_> = (0..10).map(|i| sign_in(&format!("n{i}"), "203.0.113.7").allowed).collect();
    assert_eq!(others.iter().filter(|allowed| **allowed).count(), 9);
}

#[test]
fn what_fails_by_itself_is_decided_here_and_the_rest_is_believed() {
    let (gate, line) = gate();
    line.answers(&["revoked".into(), json!({ "error": "ERR script" })]);
    let outcome = block_on(gate.ask(&user(), NOW));
    assert!(outcome.revoked && outcome.failure.is_some());
    assert_eq!(remaining(&outcome), 99);
    let (gate, line) = self::gate();
    line.answers(&[json!({ "error": "WRONGTYPE" }), json!([1, 1_200_000])]);
    let outcome = block_on(gate.ask(&user(), NOW));
    assert!(!outcome.revoked && outcome.failure.is_some());
    assert_eq!(remaining(&outcome), 98);
    line.answers(&[Json::Null, json!([7])]);
    let outcome = block_on(gate.ask(&user(), NOW));
    assert!(matches!(outcome.failure, Some(AskError::NoDecision)));
}
