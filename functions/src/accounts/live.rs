//! Sessions in Redis: which were used when, and, for the edge, which have ended.
//!
//! Nothing here is needed to sign in or to refresh: what is durable is the family in the accounts table. Without Redis
//! nobody is turned away, and a session that has ended is noticed when its access token runs out.

use std::time::Duration;

use serde::Serialize;
use shared::limits::{SESSION_ENDED_SECS, SESSION_IDLE_SECS};
use shared::micros::Micros;
use shared::redis::command::{GetEx, Keeping, Life, Only, PTtl, Remaining, Set};
use shared::redis::error::RedisError;
use shared::redis::keys::Key;
use shared::redis::pipeline::Pipeline;
use shared::redis::value::Value;
use shared::tenant::{ClientId, SessionId};
use shared::token::{Role, SESSION_ENDED};

use super::family::{Ended, Family};
use crate::random;
use crate::redis::Redis;

/// The sessions that are in use.
#[derive(Clone, Debug)]
pub struct LiveSessions {
    redis: Redis,
}

/// What is kept of a session while it is in use; sealed.
#[derive(Serialize)]
struct Entry<'a> {
    user: &'a str,
    role: Role,
    device: Option<&'a str>,
    address: Option<&'a str>,
    agent: Option<&'a str>,
    created_at: Micros,
}

impl LiveSessions {
    /// Sessions in `redis`.
    pub fn new(redis: Redis) -> LiveSessions {
        LiveSessions { redis }
    }

    /// Notes that the session of `family` has begun: one command. It never undoes an end.
    pub async fn begin(&self, family: &Family) {
        if let Err(error) = self.write(family).await {
            tracing::warn!(error = ?error, "a session was not noted");
        }
    }

    /// Notes that the session of `family` goes on: one command, and another one where it had been forgotten.
    pub async fn go_on(&self, family: &Family) {
        let key = self.key(&family.privileges.client, &family.session);
        let read = self.redis.client.run(&GetEx::new(&key, Life::of_secs(SESSION_IDLE_SECS))).await;
        let noted = match read {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.write(family).await,
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(error = ?error, "a session was not noted");
        }
    }

    /// Tells the edge that `sessions` have ended, in one round trip; whether it will hear of it.
    pub async fn end(&self, sessions: &[Ended]) -> bool {
        let mut pipeline = Pipeline::new();
        let life = Keeping::For(Life::of_secs(SESSION_ENDED_SECS));
        for Ended { client, session, .. } in sessions {
            let ended = Value::text(SESSION_ENDED);
            pipeline.push(&Set::new(&self.key(client, session), ended, life));
        }
        match self.redis.client.pipeline(&pipeline).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(error = ?error, "the edge was not told that sessions have ended");
                false
            }
        }
    }

    /// When the session of each family was last used; none for one that is idle. In one round trip, or not at all if
    /// Redis does not answer.
    pub async fn last_used(&self, families: &[Family], now: Micros) -> Option<Vec<Option<Micros>>> {
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

    async fn write(&self, family: &Family) -> Result<(), RedisError> {
        let key = self.key(&family.privileges.client, &family.session);
        let entry = Entry {
            user: &family.user,
            role: family.privileges.role,
            device: family.device.as_ref().map(|device| device.as_str()),
            address: family.origin.address.as_deref(),
            agent: family.origin.agent.as_deref(),
            created_at: family.started_at,
        };
        let plain = serde_json::to_vec(&entry).map_err(RedisError::Write)?;
        let value = self.redis.keyring.seal(&key, random::bytes(), &plain);
        let life = Keeping::For(Life::of_secs(SESSION_IDLE_SECS));
        // The session may have ended meanwhile.
        self.redis.client.run(&Set::new(&key, value, life).only(Only::IfMissing)).await.map(|_| ())
    }

    fn key(&self, client: &ClientId, session: &SessionId) -> Key {
        self.redis.keys.session(client, session.as_str())
    }
}

/// When a session with `life` before it was last used: each use gives it its whole life anew.
fn used_at(life: Remaining, now: Micros) -> Option<Micros> {
    let Remaining::For(left) = life else { return None };
    let unused = Duration::from_secs(SESSION_IDLE_SECS).saturating_sub(left);
    let micros = u64::try_from(unused.as_micros()).unwrap_or(u64::MAX);
    Some(Micros(now.0.saturating_sub(micros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_life_tells_when_it_was_given() {
        let now = Micros(1_765_103_400_000_000);
        let left = |secs| Remaining::For(Duration::from_secs(secs));
        assert_eq!(used_at(left(SESSION_IDLE_SECS), now), Some(now));
        assert_eq!(used_at(left(SESSION_IDLE_SECS - 90), now), Some(Micros(now.0 - 90_000_000)));
        assert_eq!(used_at(left(SESSION_IDLE_SECS + 5), now), Some(now));
        assert_eq!(used_at(Remaining::NoKey, now), None);
        assert_eq!(used_at(Remaining::Forever, now), None);
    }
}
