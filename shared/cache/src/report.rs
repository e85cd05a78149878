//! What the cache did: of a day, from what all processes wrote; of this process, from its own counts.

use super::Cache;
use super::statistics::{Day, Tally};
use crate::limits::CACHE_STATISTICS_SECS;
use protocol::ids::ClientId;
use protocol::timestamp::Timestamp;
use protocol::wire::cache::{
    CacheFigures, CacheReportResponse, CacheStatsResponse, KindFigures, RedisFigures,
};
use redis_client::command::{HGetAll, Info, Sections};
use redis_client::error::RedisError;
use redis_client::pipeline::Pipeline;
use redis_client::transport::Transport;

impl<T: Transport> Cache<T> {
    /// What the cache did for `client` on the day of `at`, which is remembered for [`CACHE_STATISTICS_SECS`]: two
    /// commands, one round trip. What no process has written yet is missing.
    ///
    /// # Errors
    ///
    /// If Redis does not answer: the day's figures are there and nowhere else.
    pub async fn report(&self, client: &ClientId, at: Timestamp) -> Result<CacheReportResponse, RedisError> {
        let mut pipeline = Pipeline::new();
        let fields = pipeline.push(&HGetAll::new(&self.keys.cache_statistics(client, at)));
        let info = pipeline.push(&Info);
        let mut replies = self.patient().pipeline(&pipeline).await?;
        let day = sum_of(&replies.take(fields)?);
        // Some services do not answer INFO; the rest of the report stands without it.
        let redis = replies.take(info).ok().map(|sections| redis_figures(&sections));
        Ok(CacheReportResponse { day: at.date(), total: total(&day), kinds: kinds(&day), redis })
    }

    /// What this process did for `client` today, and how it stands with Redis: no command.
    pub fn stats(&self, client: &ClientId) -> CacheStatsResponse {
        let now = self.now();
        let day = self.tallies().of(&self.keys.cache_statistics(client, now));
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

/// What all processes counted together, by the fields of a day's hash. What is not ours counts nothing.
pub(super) fn sum_of(fields: &[(Vec<u8>, Vec<u8>)]) -> Day {
    let day = |counts: &[u8]| serde_json::from_slice(counts).unwrap_or_default();
    fields.iter().fold(Day::new(), |sum, (_, counts)| add(sum, day(counts)))
}

fn add(mut sum: Day, day: Day) -> Day {
    for (kind, tally) in day {
        let of_kind = sum.entry(kind).or_default();
        *of_kind = of_kind.plus(tally);
    }
    sum
}

fn total(day: &Day) -> CacheFigures {
    figures(day.values().copied().fold(Tally::default(), Tally::plus))
}

fn kinds(day: &Day) -> Vec<KindFigures> {
    day.iter().map(|(kind, tally)| KindFigures { kind: kind.clone(), figures: figures(*tally) }).collect()
}

/// The figures that follow from what was counted.
fn figures(tally: Tally) -> CacheFigures {
    let mean = |sum: u64, count: u64| sum.checked_div(count).unwrap_or(0);
    CacheFigures {
        requests: tally.requests,
        hits: tally.hits,
        stale: tally.stale,
        memory: tally.memory,
        misses: tally.misses,
        hit_permille: mean(tally.requests.saturating_sub(tally.misses).saturating_mul(1000), tally.requests),
        mean_response_micros: mean(tally.micros, tally.requests),
        mean_load_micros: mean(tally.load_micros, tally.loads),
        errors: tally.errors,
        failures: tally.failures,
        damaged: tally.damaged,
    }
}

/// What INFO says.
pub(super) fn redis_figures(info: &Sections) -> RedisFigures {
    let number = |name: &str| info.get(name).and_then(|text| text.parse::<u64>().ok());
    RedisFigures {
        uptime_secs: number("uptime_in_seconds"),
        used_memory_bytes: number("used_memory"),
        // 0 is how Redis says that there is no bound.
        max_memory_bytes: number("maxmemory").filter(|bytes| *bytes > 0),
        keyspace_hits: number("keyspace_hits"),
        keyspace_misses: number("keyspace_misses"),
        evicted_keys: number("evicted_keys"),
    }
}

// A report of a month's days can be asked for.
const _: () = assert!(CACHE_STATISTICS_SECS >= 31 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_whole_numbers_and_nothing_of_nothing_is_nothing() {
        assert_eq!(figures(Tally::default()), CacheFigures::default());
        let tally = Tally {
            requests: 3,
            hits: 1,
            stale: 1,
            misses: 1,
            micros: 100,
            loads: 2,
            load_micros: 7,
            ..Tally::default()
        };
        let figures = figures(tally);
        assert_eq!(
            (figures.hit_permille, figures.mean_response_micros, figures.mean_load_micros),
            (666, 33, 3)
        );
    }
}
