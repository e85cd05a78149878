//! Past days' counts: of the many processes that wrote them one sum is left, or a month of them would fill Redis.

use super::Cache;
use super::report::sum_of;
use crate::limits::{CACHE_COMPACT_DAYS, CACHE_COMPACT_DAYS_BEFORE, CACHE_STATISTICS_SECS};
use protocol::timestamp::{DAY_SECS, Timestamp};
use redis_client::command::{Expire, HDel, HGetAll, HSet, Life};
use redis_client::error::RedisError;
use redis_client::keys::{Key, Kind};
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;
use redis_client::value::Value;

/// Hashes that are read in one request.
const CACHE_FOLD_AT_ONCE: usize = 16;
/// The field of a day's sum. No process is called so.
const SUM: &str = "sum";

impl<T: Transport> Cache<T> {
    /// Folds those of `keys` that are counts of days of which nobody writes any more, and says how many it did: a command
    /// for each, and three for each that has more than its sum.
    pub(super) async fn fold_past_days(&self, keys: &[(Key, Kind)]) -> Result<u64, RedisError> {
        let now = self.now().as_secs();
        let past = |days: u64| Some(Timestamp(0).plus_secs(now.checked_sub(days * DAY_SECS)?).date());
        let days: Vec<String> = (CACHE_COMPACT_DAYS_BEFORE..CACHE_COMPACT_DAYS_BEFORE + CACHE_COMPACT_DAYS)
            .filter_map(past)
            .collect();
        let of_past = |key: &Key| days.iter().any(|day| key.as_str().ends_with(day.as_str()));
        let wanted = keys.iter().filter(|(key, kind)| *kind == Kind::CacheStatistics && of_past(key));
        let wanted: Vec<&Key> = wanted.map(|(key, _)| key).collect();
        let mut folded = 0;
        for keys in wanted.chunks(CACHE_FOLD_AT_ONCE) {
            let mut pipeline = Pipeline::new();
            let slots: Vec<_> = keys.iter().map(|key| pipeline.push(&HGetAll::new(key))).collect();
            let mut replies = self.patient().pipeline(&pipeline).await?;
            for (key, slot) in keys.iter().zip(slots) {
                // What is no hash, or what a full Redis refuses, waits for another night, and nothing else for it.
                let done = match replies.take(slot) {
                    Ok(fields) => self.fold_day(key, &fields).await,
                    Err(error) => Err(error),
                };
                match done {
                    Ok(done) => folded += u64::from(done),
                    Err(RedisError::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(folded)
    }

    /// Twice comes to the same, also by two at once: what they read is what both sum up, or the sum.
    async fn fold_day(&self, key: &Key, fields: &[(Vec<u8>, Vec<u8>)]) -> Result<bool, RedisError> {
        let names = fields.iter().filter_map(|(name, _)| String::from_utf8(name.clone()).ok());
        let written: Vec<String> = names.filter(|name| name != SUM).collect();
        if written.is_empty() {
            return Ok(false);
        }
        let sum = Value::json(&sum_of(fields)).map_err(RedisError::Write)?;
        let mut both = Pipeline::new();
        let slot = both.push(&HSet::new(key, vec![(SUM.to_owned(), sum)]));
        both.push(&HDel::new(key, written));
        // The hash may have been evicted meanwhile.
        both.push(&Expire::new(key, Life::of_secs(CACHE_STATISTICS_SECS)));
        let mut replies = self.patient().transaction(&both).await?;
        replies.take(slot)?;
        Ok(true)
    }
}
