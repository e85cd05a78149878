//! Sessions in Redis: which were used when, and, for the edge, which have ended.
//!
//! Nothing here is needed to sign in or to refresh: what is durable is the family in the accounts table. Without Redis
//! nobody is turned away, and a session that has ended is noticed when its access token runs out.

use std::time::Duration;

use auth::limits::SESSION_ENDED_SECS;
use auth::token::SESSION_ENDED;
use protocol::ids::{ClientId, SessionId};
use protocol::limits::SESSION_IDLE_SECS;
use protocol::timestamp::Timestamp;
use redis_client::command::{GetEx, Keeping, Life, Only, PTtl, Remaining, Set};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::Pipeline;
use redis_client::value::Value;

use super::family::{Ended, Family};
use crate::redis::Redis;

/// What a session's key holds while it is in use. Who and where is in the family, and nothing of it here.
const IN_USE: &str = "in use";

/// The sessions that are in use.
#[derive(Clone, Debug)]
pub struct LiveSessions {
    redis: Redis,
}

impl LiveSessions {
    /// Sessions in `redis`.
    pub fn new(redis: Redis) -> LiveSessions {
        LiveSessions { redis }
    }

    /// Notes that the session of `family` has begun, and that `others` have ended: a command each, in one round trip. It
    /// never undoes an end.
    pub async fn begin(&self, family: &Family, others: &[Ended]) {
        let sets = others.iter().map(|ended| self.ended(ended)).chain([self.begun(family)]);
        if let Err(error) = self.write(sets).await {
            tracing::warn!(error = ?error, "a session was not noted");
            // That others ended may be told twice, and must not be lost with one answer.
            if !others.is_empty() {
                self.end(others).await;
            }
        }
    }

    /// Notes that the session of `family` goes on: one command, and another one where it had been forgotten.
    pub async fn go_on(&self, family: &Family) {
        let key = self.key(&family.privileges.client, &family.session);
        let read = self.redis.client.run(&GetEx::new(&key, Life::of_secs(SESSION_IDLE_SECS))).await;
        let noted = match read {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.redis.client.run(&self.begun(family)).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(error = ?error, "a session was not noted");
        }
    }

    /// Tells the edge that `sessions` have ended, in one round trip; whether it will hear of it.
    pub async fn end(&self, sessions: &[Ended]) -> bool {
        match self.write(sessions.iter().map(|ended| self.ended(ended))).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(error = ?error, "the edge was not told that sessions have ended");
                false
            }
        }
    }

    /// When the session of each family was last used; none for one that Redis knows nothing of, be it idle or lost. In one
    /// round trip, or not at all if Redis does not answer.
    pub async fn last_used(&self, families: &[Family], now: Timestamp) -> Option<Vec<Option<Timestamp>>> {
        let mut pipeline = Pipeline::new();
        let key = |family: &Family| self.key(&family.privileges.client, &family.session);
        let slots: Vec<_> = families.iter().map(|family| pipeline.push(&PTtl::new(&key(family)))).collect();
        let read = self.redis.client.pipeline(&pipeline).await.and_then(|mut replies| {
            slots.into_iter().map(|slot| replies.take(slot)).collect::<Result<Vec<Remaining>, _>>()
        });
        match read {
            Ok(lives) => Some(lives.into_iter().map(|life| used_at(life, now)).collect()),
            Err(error) => {
                tracing::warn!(error = ?error, "sessions' last use is not known");
                None
            }
        }
    }

    /// Writes all, or says why one of them is not written: a Redis that is full answers, and writes nothing.
    async fn write(&self, sets: impl Iterator<Item = Set>) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::new();
        let slots: Vec<_> = sets.map(|set| pipeline.push(&set)).collect();
        let mut replies = self.redis.client.pipeline(&pipeline).await?;
        slots.into_iter().try_for_each(|slot| replies.take(slot).map(drop))
    }

    fn begun(&self, family: &Family) -> Set {
        let key = self.key(&family.privileges.client, &family.session);
        let life = Keeping::For(Life::of_secs(SESSION_IDLE_SECS));
        // The session may have ended meanwhile.
        Set::new(&key, Value::text(IN_USE), life).only(Only::IfMissing)
    }

    fn ended(&self, Ended { client, session, .. }: &Ended) -> Set {
        let life = Keeping::For(Life::of_secs(SESSION_ENDED_SECS));
        Set::new(&self.key(client, session), Value::text(SESSION_ENDED), life)
    }

    fn key(&self, client: &ClientId, session: &SessionId) -> Key {
        self.redis.keys.session(client, session.as_str())
    }
}

/// When a session with `life` before it was last used: each use gives it its whole life anew.
fn used_at(life: Remaining, now: Timestamp) -> Option<Timestamp> {
    let Remaining::For(left) = life else { return None };
    let unused = Duration::from_secs(SESSION_IDLE_SECS).saturating_sub(left);
    let micros = u64::try_from(unused.as_micros()).unwrap_or(u64::MAX);
    Some(Timestamp(now.0.saturating_sub(micros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_life_tells_when_it_was_given() {
        let now = Timestamp(1_765_103_400_000_000);
        let left = |secs| Remaining::For(Duration::from_secs(secs));
        assert_eq!(used_at(left(SESSION_IDLE_SECS), now), Some(now));
        assert_eq!(used_at(left(SESSION_IDLE_SECS - 90), now), Some(Timestamp(now.0 - 90_000_000)));
        assert_eq!(used_at(left(SESSION_IDLE_SECS + 5), now), Some(now));
        assert_eq!(used_at(Remaining::NoKey, now), None);
        assert_eq!(used_at(Remaining::Forever, now), None);
    }
}
