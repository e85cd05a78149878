//! Sessions in Redis: when each was last used, and which have ended, which the edge checks.
//!
//! Signing in and refreshing do not depend on Redis: families in the accounts table are the durable truth.
//! Without Redis, an ended session remains usable until its access token expires.

use std::time::Duration;

use auth::limits::SESSION_ENDED_SECS;
use auth::token::SESSION_ENDED;
use protocol::ids::{ClientId, SessionId};
use protocol::limits::SESSION_IDLE_SECS;
use protocol::timestamp::Timestamp;
use redis_client::command::{Command, Expiry, Remaining, Ttl, get_and_expire, pttl, set, set_if_missing};
use redis_client::error::RedisError;
use redis_client::keys::Key;
use redis_client::pipeline::Pipeline;
use redis_client::value::Value;

use super::family::{EndedSession, Family};
use crate::redis::Redis;

/// The value of a session's key while the session is in use. User and place are in the family.
const IN_USE: &str = "in use";

/// The sessions in Redis.
#[derive(Clone, Debug)]
pub struct SessionRegistry {
    redis: Redis,
}

impl SessionRegistry {
    /// Sessions in `redis`.
    pub fn new(redis: Redis) -> SessionRegistry {
        SessionRegistry { redis }
    }

    /// Records that the session of `family` has begun and that `others` have ended, in one round trip. An
    /// ended session stays ended.
    pub async fn begin(&self, family: &Family, others: &[EndedSession]) {
        let sets = others.iter().map(|ended| self.ended(ended)).chain([self.begun(family)]);
        if let Err(error) = self.write(sets).await {
            tracing::warn!(error = ?error, "recording a session failed");
            // Ends are idempotent and must not be lost with one response.
            if !others.is_empty() {
                self.end(others).await;
            }
        }
    }

    /// Extends the session of `family`: one command, or two if Redis had lost the session.
    pub async fn extend(&self, family: &Family) {
        let key = self.key(&family.privileges.client, &family.session);
        let read = self.redis.client.run(&get_and_expire(&key, Ttl::of_secs(SESSION_IDLE_SECS))).await;
        let recorded = match read {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.redis.client.run(&self.begun(family)).await.map(drop),
            Err(error) => Err(error),
        };
        if let Err(error) = recorded {
            tracing::warn!(error = ?error, "recording a session failed");
        }
    }

    /// Records that `sessions` have ended, in one round trip. Returns whether Redis accepted it.
    pub async fn end(&self, sessions: &[EndedSession]) -> bool {
        match self.write(sessions.iter().map(|ended| self.ended(ended))).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(error = ?error, "recording the end of sessions failed");
                false
            }
        }
    }

    /// When the session of each family was last used, in one round trip; `None` for a session whose key is
    /// missing because it is idle or was lost. `None` if Redis does not respond.
    pub async fn last_used(&self, families: &[Family], now: Timestamp) -> Option<Vec<Option<Timestamp>>> {
        let mut pipeline = Pipeline::new();
        let key = |family: &Family| self.key(&family.privileges.client, &family.session);
        let slots: Vec<_> = families.iter().map(|family| pipeline.push(pttl(&key(family)))).collect();
        let read = self.redis.client.pipeline(&pipeline).await.and_then(|mut replies| {
            slots.into_iter().map(|slot| replies.take(slot)).collect::<Result<Vec<Remaining>, _>>()
        });
        match read {
            Ok(lives) => Some(lives.into_iter().map(|life| used_at(life, now)).collect()),
            Err(error) => {
                tracing::warn!(error = ?error, "reading the last use of sessions failed");
                None
            }
        }
    }

    /// Writes all keys; an error if one was not written. A full Redis responds without writing.
    async fn write(&self, sets: impl Iterator<Item = Command<bool>>) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::new();
        let slots: Vec<_> = sets.map(|set| pipeline.push(set)).collect();
        let mut replies = self.redis.client.pipeline(&pipeline).await?;
        slots.into_iter().try_for_each(|slot| replies.take(slot).map(drop))
    }

    fn begun(&self, family: &Family) -> Command<bool> {
        let key = self.key(&family.privileges.client, &family.session);
        let expiry = Expiry::In(Ttl::of_secs(SESSION_IDLE_SECS));
        // Keep the end if the session has ended meanwhile.
        set_if_missing(&key, &Value::text(IN_USE), expiry)
    }

    fn ended(&self, EndedSession { client, session, .. }: &EndedSession) -> Command<bool> {
        let expiry = Expiry::In(Ttl::of_secs(SESSION_ENDED_SECS));
        set(&self.key(client, session), &Value::text(SESSION_ENDED), expiry)
    }

    fn key(&self, client: &ClientId, session: &SessionId) -> Key {
        self.redis.keys.session(client, session.as_str())
    }
}

/// When a session was last used, from the remaining lifetime of its key: each use resets the lifetime.
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
    fn the_remaining_lifetime_tells_the_last_use() {
        let now = Timestamp(1_765_103_400_000_000);
        let left = |secs| Remaining::For(Duration::from_secs(secs));
        assert_eq!(used_at(left(SESSION_IDLE_SECS), now), Some(now));
        assert_eq!(used_at(left(SESSION_IDLE_SECS - 90), now), Some(Timestamp(now.0 - 90_000_000)));
        assert_eq!(used_at(left(SESSION_IDLE_SECS + 5), now), Some(now));
        assert_eq!(used_at(Remaining::NoKey, now), None);
        assert_eq!(used_at(Remaining::Forever, now), None);
    }
}
