//! Admission of a request: checks its session and its rate limits in Redis, in one round trip.
//!
//! What the isolate knows already is not asked for: the status of a session, and that a limit is exhausted.
//! While Redis is unreachable, sessions that are not known to have ended count as active (an access token is
//! valid for 15 minutes anyway) and each isolate counts requests by itself.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use auth::limits::ADMISSION_BUDGET_MILLIS;
use auth::rate::decision::RateDecision;
use auth::rate::limit::Limit;
use auth::rate::local::LocalLimiter;
use auth::rate::script;
use auth::token::SESSION_ENDED;
use protocol::limits::SESSION_IDLE_SECS;
use protocol::timestamp::Timestamp;
use redis_client::budget::Budget;
use redis_client::client::Client;
use redis_client::command::{Ttl, get_and_expire};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::{Pipeline, Replies, Slot};
use redis_client::reply::{Reply, ReplyError};
use redis_client::script::Script;
use redis_client::transport::Transport;
use redis_client::value::Value;

mod check;
pub(crate) mod fuse;
mod sessions;
mod verdicts;

use check::CountedLimit;
pub(crate) use check::{AdmissionCheck, AdmissionPolicy, SessionSource};
use verdicts::Verdicts;

const BUDGET: Budget = Budget {
    per_try: Duration::from_millis(ADMISSION_BUDGET_MILLIS),
    total: Duration::from_millis(ADMISSION_BUDGET_MILLIS),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionStatus {
    /// Not revoked. A missing key in Redis counts as active: only a revocation ends a session.
    Active,
    Revoked,
}

/// Checks sessions and rate limits, and remembers verdicts: a busy till sends several requests a second.
pub(crate) struct Admission<T> {
    redis: Client<T>,
    script: Script,
    verdicts: RefCell<Verdicts>,
    local: RefCell<LocalLimiter>,
    /// Of each client's sync, counted here alone.
    ceilings: RefCell<LocalLimiter>,
    local_decisions: Cell<u64>,
}

#[derive(Debug)]
pub(crate) struct AdmissionResult {
    pub(crate) revoked: bool,
    /// The rate limit decision; `None` where no limit applies.
    pub(crate) decision: Option<RateDecision>,
    /// Why Redis did not decide, if it did not.
    pub(crate) failure: Option<AdmissionError>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmissionError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error(transparent)]
    Reply(#[from] ReplyError),
    #[error("failed to read the decision: the script returned unexpected numbers")]
    NoDecision,
}

impl AdmissionError {
    /// Whether the breaker refused the call; the failures that opened it were logged.
    pub(crate) fn is_repeated(&self) -> bool {
        matches!(self, AdmissionError::Redis(RedisError::Open))
    }
}

/// The slots of the replies that a pipeline asks for.
struct Pending {
    session: Option<Slot<Option<Vec<u8>>>>,
    decision: Option<Slot<Reply>>,
}

impl<T: Transport> Admission<T> {
    pub(crate) fn new(redis: &Client<T>) -> Admission<T> {
        Admission {
            redis: redis.within(BUDGET),
            script: Script::once(script::TEXT),
            verdicts: RefCell::default(),
            local: RefCell::default(),
            ceilings: RefCell::default(),
            local_decisions: Cell::new(0),
        }
    }

    /// Number of requests that this isolate decided without Redis.
    pub(crate) fn local_decisions(&self) -> u64 {
        self.local_decisions.get()
    }

    /// Remembers that the session at `key` has ended.
    pub(crate) fn note_end(&self, key: &Key, now: Timestamp) {
        self.verdicts.borrow_mut().note_status(key, SessionStatus::Revoked, now);
    }

    /// Number of commands that [`Admission::run`] would send now; `None` if it would refuse without any.
    pub(crate) fn commands(&self, check: &AdmissionCheck, now: Timestamp) -> Option<usize> {
        let asks_for_session = usize::from(self.unknown_session(check, now).is_some());
        let commands = asks_for_session + usize::from(!check.limits.is_empty());
        self.known_refusal(check, now).is_none().then_some(commands)
    }

    /// The session that Redis must be asked for.
    fn unknown_session<'a>(&self, check: &'a AdmissionCheck, now: Timestamp) -> Option<&'a Key> {
        let is_known = |key: &&Key| self.verdicts.borrow().status(key, now).is_some();
        let session = check.session.as_ref();
        match check.asked {
            SessionSource::Cache => session.filter(|key| !is_known(key)),
            SessionSource::Redis => session,
            SessionSource::Room => None,
        }
    }

    /// Counts the request against the ceiling of its client; the refusal if it is exceeded.
    pub(crate) fn over_ceiling(&self, check: &AdmissionCheck, now: Timestamp) -> Option<RateDecision> {
        let ceiling = check.ceiling.as_ref()?;
        let counted = [(ceiling.key.to_string(), ceiling.limit)];
        let decision = self.ceilings.borrow_mut().decide(&counted, now);
        (!decision.allowed).then_some(decision)
    }

    /// The refusal that needs no Redis: the session is known to have ended, or a limit to be exhausted.
    fn known_refusal(&self, check: &AdmissionCheck, now: Timestamp) -> Option<AdmissionResult> {
        let verdicts = self.verdicts.borrow();
        let status = check.session.as_ref().and_then(|key| verdicts.status(key, now));
        if status == Some(SessionStatus::Revoked) {
            return Some(AdmissionResult { revoked: true, decision: None, failure: None });
        }
        let decision = verdicts.refusal(&check.limits, now)?;
        Some(AdmissionResult { revoked: false, decision: Some(decision), failure: None })
    }

    pub(crate) async fn run(&self, check: &AdmissionCheck, now: Timestamp) -> AdmissionResult {
        if let Some(refusal) = self.known_refusal(check, now) {
            return refusal;
        }
        if let Some(decision) = self.over_ceiling(check, now) {
            return AdmissionResult { revoked: false, decision: Some(decision), failure: None };
        }
        let unknown = self.unknown_session(check, now);
        let (pipeline, pending) = self.pipeline(unknown, &check.limits, now);
        if pipeline.is_empty() {
            return AdmissionResult { revoked: false, decision: None, failure: None };
        }
        let mut failure = None;
        let (status, decision) = match self.redis.pipeline(&pipeline).await {
            Ok(replies) => read(replies, pending, &check.limits, &mut failure),
            Err(error) => {
                failure = Some(error.into());
                (None, None)
            }
        };
        self.remember(unknown.zip(status), &check.limits, decision.as_ref(), now);
        if failure.is_some() {
            self.local_decisions.set(self.local_decisions.get().saturating_add(1));
        }
        // Another request may have learned of the end meanwhile, and Redis may not have answered this one.
        let revoked = check
            .session
            .as_ref()
            .is_some_and(|key| self.verdicts.borrow().status(key, now) == Some(SessionStatus::Revoked));
        let decision = decision.or_else(|| self.decide_locally(&check.limits, now));
        AdmissionResult { revoked, decision, failure }
    }

    /// Remembers the answers of Redis.
    fn remember(
        &self,
        status: Option<(&Key, SessionStatus)>,
        limits: &[CountedLimit],
        decision: Option<&RateDecision>,
        now: Timestamp,
    ) {
        let mut verdicts = self.verdicts.borrow_mut();
        if let Some((key, status)) = status {
            verdicts.note_status(key, status, now);
        }
        if let Some(decision) = decision {
            verdicts.note_decision(limits, decision, now);
        }
    }

    fn pipeline(
        &self,
        session: Option<&Key>,
        limits: &[CountedLimit],
        now: Timestamp,
    ) -> (Pipeline, Pending) {
        let mut pipeline = Pipeline::new();
        // One command reads the status and renews the key; a session counts as idle once its key expired.
        let touch = |key| get_and_expire(key, Ttl::of_secs(SESSION_IDLE_SECS));
        let session = session.map(|key| pipeline.push(touch(key)));
        let decision = (!limits.is_empty()).then(|| {
            let keys: Vec<_> = limits.iter().map(|counted| &counted.key).collect();
            let arguments: Vec<_> =
                script::arguments(&of(limits), now).into_iter().map(Value::text).collect();
            pipeline.push(self.script.call(&keys, &arguments))
        });
        (pipeline, Pending { session, decision })
    }

    fn decide_locally(&self, limits: &[CountedLimit], now: Timestamp) -> Option<RateDecision> {
        let limits: Vec<_> =
            limits.iter().map(|counted| (counted.key.to_string(), counted.local_limit)).collect();
        (!limits.is_empty()).then(|| self.local.borrow_mut().decide(&limits, now))
    }
}

/// The status that the value of a session's key tells.
fn status_of(value: Option<&[u8]>) -> SessionStatus {
    if value == Some(SESSION_ENDED.as_bytes()) { SessionStatus::Revoked } else { SessionStatus::Active }
}

/// Reads status and decision; sets `failure` where a reply cannot be read.
fn read(
    mut replies: Replies,
    pending: Pending,
    limits: &[CountedLimit],
    failure: &mut Option<AdmissionError>,
) -> (Option<SessionStatus>, Option<RateDecision>) {
    let mut note = |error| *failure = Some(error);
    let status = pending.session.and_then(|slot| {
        let value = replies.take(slot).map_err(|error| note(error.into())).ok()?;
        Some(status_of(value.as_deref()))
    });
    let decision = pending.decision.and_then(|slot| {
        let reply = replies.take(slot).map_err(AdmissionError::from);
        reply.and_then(|reply| decision(reply, limits)).map_err(note).ok()
    });
    (status, decision)
}

fn decision(reply: Reply, limits: &[CountedLimit]) -> Result<RateDecision, AdmissionError> {
    let numbers = reply.array()?.into_iter().map(Reply::int).collect::<Result<Vec<_>, _>>()?;
    script::read(&of(limits), &numbers).ok_or(AdmissionError::NoDecision)
}

fn of(limits: &[CountedLimit]) -> Vec<Limit> {
    limits.iter().map(|counted| counted.limit).collect()
}

#[cfg(test)]
mod tests;
