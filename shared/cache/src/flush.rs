//! Counting, and writing the counts at the end of a request.

use std::sync::{MutexGuard, PoisonError};

use super::Cache;
use super::request::Request;
use super::statistics::{Due, Tallies, Tally};
use crate::limits::CACHE_STATISTICS_SECS;
use redis_client::command::{Expire, HSet, Life};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

impl<T: Transport> Cache<T> {
    /// Writes the counts if they are due, as one round trip, or two where Redis had lost what was written before; to be
    /// called at the end of a request. If Redis does not answer, they are written another time.
    pub async fn flush_if_due(&self) {
        let (due, process) = {
            let mut tallies = self.tallies();
            (tallies.due(self.now()), tallies.process())
        };
        if due.is_empty() {
            return;
        }
        if self.write_counts(&due, &process).await.is_err() {
            self.tallies().put_back(due);
        }
    }

    async fn write_counts(&self, due: &[Due], process: &str) -> Result<(), RedisError> {
        let mut pipeline = Pipeline::new();
        let (mut writes, mut lives) = (Vec::new(), Vec::new());
        let expire = |key| Expire::new(key, Life::of_secs(CACHE_STATISTICS_SECS));
        for Due { key, day, first, .. } in due {
            let counts = Value::json(day).map_err(RedisError::Write)?;
            let write = pipeline.push(&HSet::new(key, vec![(process.to_owned(), counts)]));
            writes.push((key, *first, write));
            if *first {
                lives.push(pipeline.push(&expire(key)));
            }
        }
        let mut replies = self.redis.pipeline(&pipeline).await?;
        lives.into_iter().try_for_each(|slot| replies.take(slot).map(drop))?;
        let mut reborn = Pipeline::new();
        let mut lives = Vec::new();
        for (key, first, slot) in writes {
            // A field that was written before and is new is of a hash that Redis had lost, and its TTL with it.
            if replies.take(slot)? > 0 && !first {
                lives.push(reborn.push(&expire(key)));
            }
        }
        let mut replies = self.redis.pipeline(&reborn).await?;
        lives.into_iter().try_for_each(|slot| replies.take(slot).map(drop))
    }

    /// Counts something that happened to `request`.
    pub(super) fn tally(&self, request: &Request, change: impl FnOnce(&mut Tally)) {
        let now = self.now();
        let key = self.keys.cache_statistics(&request.client, now);
        self.tallies().count(&key, request.kind, now, change);
    }

    /// Counts that Redis did not answer.
    pub(super) fn count_error(&self, request: &Request) {
        self.tally(request, |tally| tally.errors += 1);
    }

    pub(super) fn tallies(&self) -> MutexGuard<'_, Tallies> {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
