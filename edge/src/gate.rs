//! Before a request reaches a function: whether its session still stands, and whether its caller asks too often. Both
//! are asked of Redis in one round trip, and nothing is asked that is known.
//!
//! Redis decides nothing that matters while it is gone: sessions are then taken to stand, which an access token does
//! for 15 minutes anyway, and each isolate counts requests by itself.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use auth::limits::ADMISSION_BUDGET_MILLIS;
use auth::rate::decision::Decision;
use auth::rate::limit::Limit;
use auth::rate::local::Local;
use auth::rate::script;
use auth::token::SESSION_ENDED;
use protocol::limits::SESSION_IDLE_SECS;
use protocol::timestamp::Timestamp;
use redis_client::budget::Budget;
use redis_client::client::Client;
use redis_client::command::{GetEx, Life};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::{Pipeline, Replies, Slot};
use redis_client::reply::{Reply, ReplyError};
use redis_client::script::{Script, ScriptCall};
use redis_client::transport::Transport;
use redis_client::value::Value;

mod question;
mod verdicts;

use question::Counted;
pub(crate) use question::{Question, Questions};
use verdicts::{Verdict, Verdicts};

/// How long the door waits for Redis.
const BUDGET: Budget = Budget {
    per_try: Duration::from_millis(ADMISSION_BUDGET_MILLIS),
    total: Duration::from_millis(ADMISSION_BUDGET_MILLIS),
};

/// Answers questions about requests, and remembers what it was told.
pub(crate) struct Gate<T> {
    redis: Client<T>,
    script: Script,
    verdicts: RefCell<Verdicts>,
    local: RefCell<Local>,
    alone: Cell<u64>,
}

/// What is to be done about a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether its session was revoked.
    pub(crate) revoked: bool,
    /// What its limits say; nothing, if it has none.
    pub(crate) decision: Option<Decision>,
    /// Why that was decided without Redis, if it was.
    pub(crate) failure: Option<AskError>,
}

/// Why Redis did not decide.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// It did not answer.
    #[error(transparent)]
    Redis(#[from] RedisError),
    /// Its answer has another shape.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The script's answer is no decision.
    #[error("failed to read the decision: the script answered in other words")]
    NoDecision,
}

impl AskError {
    /// Whether nothing was asked, because Redis has failed too often already: that was told then.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self, AskError::Redis(RedisError::Open))
    }
}

/// What was asked of Redis, and where the answers will be.
struct Asked {
    session: Option<Slot<GetEx>>,
    decision: Option<Slot<ScriptCall>>,
}

impl<T: Transport> Gate<T> {
    /// A gate that asks `redis`.
    pub(crate) fn new(redis: &Client<T>) -> Gate<T> {
        Gate {
            redis: redis.within(BUDGET),
            script: Script::once(script::TEXT),
            verdicts: RefCell::default(),
            local: RefCell::default(),
            alone: Cell::new(0),
        }
    }

    /// Requests that were decided without Redis, since the isolate began.
    pub(crate) fn alone(&self) -> u64 {
        self.alone.get()
    }

    /// What is to be done about a request at `now`.
    pub(crate) async fn ask(&self, question: &Question, now: Timestamp) -> Outcome {
        let counts = |verdict: &Verdict| !question.anew || *verdict == Verdict::Revoked;
        let known = question.session.as_ref().map(|key| self.verdicts.borrow().get(key, now).filter(counts));
        // A session of which nothing is remembered; without one, there is nothing to ask about it.
        let unknown = question.session.as_ref().filter(|_| known == Some(None));
        if known.flatten() == Some(Verdict::Revoked) {
            return Outcome { revoked: true, decision: None, failure: None };
        }
        let (pipeline, asked) = self.pipeline(unknown, &question.limits, now);
        if pipeline.is_empty() {
            return Outcome { revoked: false, decision: None, failure: None };
        }
        let mut failure = None;
        let (verdict, decision) = match self.redis.pipeline(&pipeline).await {
            Ok(replies) => read(replies, asked, &question.limits, &mut failure),
            Err(error) => {
                failure = Some(error.into());
                (None, None)
            }
        };
        if let (Some(key), Some(verdict)) = (unknown, verdict) {
            self.verdicts.borrow_mut().insert(key, verdict, now);
        }
        if failure.is_some() {
            self.alone.set(self.alone.get().saturating_add(1));
        }
        let decision = decision.or_else(|| self.decide_alone(&question.limits, now));
        Outcome { revoked: verdict == Some(Verdict::Revoked), decision, failure }
    }

    fn pipeline(&self, session: Option<&Key>, limits: &[Counted], now: Timestamp) -> (Pipeline, Asked) {
        let mut pipeline = Pipeline::new();
        // Read and touched in one command: a session counts as idle when nobody has done so for so long.
        let touch = |key| GetEx::new(key, Life::of_secs(SESSION_IDLE_SECS));
        let session = session.map(|key| pipeline.push(&touch(key)));
        let decision = (!limits.is_empty()).then(|| {
            let keys: Vec<_> = limits.iter().map(|counted| &counted.key).collect();
            let arguments: Vec<_> =
                script::arguments(&of(limits), now).into_iter().map(Value::text).collect();
            pipeline.push(&self.script.call(&keys, &arguments))
        });
        (pipeline, Asked { session, decision })
    }

    fn decide_alone(&self, limits: &[Counted], now: Timestamp) -> Option<Decision> {
        let limits: Vec<_> = limits.iter().map(|counted| (counted.key.to_string(), counted.alone)).collect();
        (!limits.is_empty()).then(|| self.local.borrow_mut().decide(&limits, now))
    }
}

/// What Redis says; where it says nothing that can be read, the `failure` is noted.
fn read(
    mut replies: Replies,
    asked: Asked,
    limits: &[Counted],
    failure: &mut Option<AskError>,
) -> (Option<Verdict>, Option<Decision>) {
    let mut noted = |error| *failure = Some(error);
    let verdict = asked.session.and_then(|slot| {
        let value = replies.take(slot).map_err(|error| noted(error.into())).ok()?;
        Some(if value.as_deref() == Some(SESSION_ENDED.as_bytes()) {
            Verdict::Revoked
        } else {
            Verdict::Stands
        })
    });
    let decision = asked.decision.and_then(|slot| {
        let reply = replies.take(slot).map_err(AskError::from);
        reply.and_then(|reply| decision(reply, limits)).map_err(noted).ok()
    });
    (verdict, decision)
}

fn decision(reply: Reply, limits: &[Counted]) -> Result<Decision, AskError> {
    let numbers = reply.array()?.into_iter().map(Reply::int).collect::<Result<Vec<_>, _>>()?;
    script::read(&of(limits), &numbers).ok_or(AskError::NoDecision)
}

fn of(limits: &[Counted]) -> Vec<Limit> {
    limits.iter().map(|counted| counted.limit).collect()
}

#[cfg(test)]
mod tests;
