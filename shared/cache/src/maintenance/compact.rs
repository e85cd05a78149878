//! Compaction of past days' statistics: the fields of many processes become one sum, or they would fill Redis
//! in a month.

use crate::limits::{CACHE_COMPACT_DAYS, CACHE_COMPACT_DAYS_BEFORE};
use crate::report::sum;
use crate::statistics::expire_statistics;
use crate::{Cache, Clock};
use protocol::timestamp::{DAY_SECS, Timestamp};
use redis_client::command::{hdel, hgetall, hset};
use redis_client::error::RedisError;
use redis_client::keys::{Key, KeyKind};
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// Hashes that are read in one request.
const HASHES_PER_REQUEST: usize = 16;
/// The field of a day's sum. No process has this name.
const SUM: &str = "sum";

impl<T: Transport, C: Clock> Cache<T, C> {
    /// Compacts the statistics among `keys` of past days, which no process writes any more; returns how many
    /// it compacted. One command for each, and three more for each that has other fields than its sum.
    pub(super) async fn compact_past_days(&self, keys: &[(Key, KeyKind)]) -> Result<u64, RedisError> {
        let now = self.now().as_secs();
        let days = CACHE_COMPACT_DAYS_BEFORE..CACHE_COMPACT_DAYS_BEFORE + CACHE_COMPACT_DAYS;
        let date = |days: u64| Some(Timestamp(0).plus_secs(now.checked_sub(days * DAY_SECS)?).date());
        let dates: Vec<String> = days.filter_map(date).collect();
        let is_past = |key: &Key| dates.iter().any(|date| key.as_str().ends_with(date.as_str()));
        let statistics = keys.iter().filter(|(_, kind)| *kind == KeyKind::CacheStatistics);
        let past: Vec<&Key> = statistics.map(|(key, _)| key).filter(|key| is_past(key)).collect();
        let mut compacted = 0;
        for keys in past.chunks(HASHES_PER_REQUEST) {
            let mut pipeline = Pipeline::new();
            let slots: Vec<_> = keys.iter().map(|key| pipeline.push(hgetall(key))).collect();
            let mut replies = self.patient().pipeline(&pipeline).await?;
            for (key, slot) in keys.iter().zip(slots) {
                let done = match replies.take(slot) {
                    Ok(fields) => self.compact_day(key, &fields).await,
                    Err(error) => Err(error),
                };
                match done {
                    Ok(done) => compacted += u64::from(done),
                    // Not a hash, or Redis is full: the next call tries again, and the other days go on.
                    Err(RedisError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(compacted)
    }

    /// Replaces the processes' fields of one day by their sum. Idempotent and safe to run concurrently.
    async fn compact_day(&self, key: &Key, fields: &[(Vec<u8>, Vec<u8>)]) -> Result<bool, RedisError> {
        let names = fields.iter().filter_map(|(name, _)| String::from_utf8(name.clone()).ok());
        let processes: Vec<String> = names.filter(|name| name != SUM).collect();
        if processes.is_empty() {
            return Ok(false);
        }
        let sum = Value::json(&sum(fields)).map_err(RedisError::Write)?;
        let mut transaction = Pipeline::new();
        let slot = transaction.push(hset(key, [(SUM, &sum)]));
        transaction.push(hdel(key, &processes));
        // Redis may have evicted the hash in the meantime.
        transaction.push(expire_statistics(key));
        self.patient().transaction(&transaction).await?.take(slot)?;
        Ok(true)
    }
}
