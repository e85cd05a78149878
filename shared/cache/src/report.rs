//! Reports: of a day, from all processes' statistics in Redis; and of this process, from its own.

use super::statistics::{Counts, Day};
use super::{Cache, Clock};
use crate::limits::CACHE_STATISTICS_SECS;
use protocol::ids::ClientId;
use protocol::timestamp::Timestamp;
use protocol::wire::cache::{
    CacheFigures, CacheReportResponse, CacheStatsResponse, KindFigures, RedisFigures,
};
use redis_client::command::{Sections, hgetall, info};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;

impl<T: Transport, C: Clock> Cache<T, C> {
    /// The report of `client` for the day of `at`, which is kept for [`CACHE_STATISTICS_SECS`]: two commands,
    /// one round trip. Counts that no process has written yet are missing.
    ///
    /// # Errors
    ///
    /// If Redis does not respond.
    pub async fn report(&self, client: &ClientId, at: Timestamp) -> Result<CacheReportResponse, RedisError> {
        let mut pipeline = Pipeline::new();
        let fields = pipeline.push(hgetall(&self.keys.cache_statistics(client, at)));
        let info = pipeline.push(info());
        let mut replies = self.patient().pipeline(&pipeline).await?;
        let day = sum(&replies.take(fields)?);
        // Some services reject INFO; the report is then without Redis's figures.
        let redis = replies.take(info).ok().map(|sections| redis_figures(&sections));
        Ok(CacheReportResponse { day: at.date(), total: total(&day), kinds: kinds(&day), redis })
    }

    /// This process's statistics of `client` for today, and the state of its connection to Redis. No command.
    pub fn stats(&self, client: &ClientId) -> CacheStatsResponse {
        let now = self.now();
        let day = self.statistics().day(&self.keys.cache_statistics(client, now));
        let health = self.redis.health();
        let micros = |latency: std::time::Duration| u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        CacheStatsResponse {
            at: now.to_string(),
            breaker: health.breaker,
            latency_micros: health.last_latency.map(micros),
            total: total(&day),
            kinds: kinds(&day),
        }
    }
}

/// The sum of all processes' counts, from the fields of a day's hash. Fields that are not counts are ignored.
pub(super) fn sum(fields: &[(Vec<u8>, Vec<u8>)]) -> Day {
    let mut sum = Day::new();
    for (_, counts) in fields {
        for (kind, counts) in serde_json::from_slice::<Day>(counts).unwrap_or_default() {
            let of_kind = sum.entry(kind).or_default();
            *of_kind = of_kind.plus(counts);
        }
    }
    sum
}

fn total(day: &Day) -> CacheFigures {
    figures(day.values().copied().fold(Counts::default(), Counts::plus))
}

fn kinds(day: &Day) -> Vec<KindFigures> {
    day.iter().map(|(kind, counts)| KindFigures { kind: kind.clone(), figures: figures(*counts) }).collect()
}

fn figures(counts: Counts) -> CacheFigures {
    let mean = |sum: u64, count: u64| sum.checked_div(count).unwrap_or(0);
    let spared = counts.requests.saturating_sub(counts.misses);
    CacheFigures {
        requests: counts.requests,
        hits: counts.hits,
        stale: counts.stale,
        memory: counts.memory,
        misses: counts.misses,
        hit_permille: mean(spared.saturating_mul(1000), counts.requests),
        mean_response_micros: mean(counts.micros, counts.requests),
        mean_load_micros: mean(counts.load_micros, counts.loads),
        errors: counts.errors,
        failures: counts.failures,
        damaged: counts.damaged,
    }
}

/// Redis's figures, from INFO.
pub(super) fn redis_figures(info: &Sections) -> RedisFigures {
    let number = |name: &str| info.get(name).and_then(|text| text.parse::<u64>().ok());
    RedisFigures {
        uptime_secs: number("uptime_in_seconds"),
        used_memory_bytes: number("used_memory"),
        // Redis writes 0 for no limit.
        max_memory_bytes: number("maxmemory").filter(|bytes| *bytes > 0),
        keyspace_hits: number("keyspace_hits"),
        keyspace_misses: number("keyspace_misses"),
        evicted_keys: number("evicted_keys"),
    }
}

// Each day of a month can be reported.
const _: () = assert!(CACHE_STATISTICS_SECS >= 31 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_down_and_zero_without_requests() {
        assert_eq!(figures(Counts::default()), CacheFigures::default());
        let counts = Counts {
            requests: 3,
            hits: 1,
            stale: 1,
            misses: 1,
            micros: 100,
            loads: 2,
            load_micros: 7,
            ..Counts::default()
        };
        let figures = figures(counts);
        assert_eq!(
            (figures.hit_permille, figures.mean_response_micros, figures.mean_load_micros),
            (666, 33, 3)
        );
    }
}
