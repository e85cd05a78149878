//! How often the network, the database and the clocks of a run fail.

use super::lag::{LAG_MILLIS_MAX, SKEW_MICROS_MAX};
use super::rng::Rng;

/// Probabilities in permille. Each run has its own rates: most bugs show where few other faults occur.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultRates {
    /// A request is lost on its way to a function or to DynamoDB.
    pub(crate) lost: u64,
    /// The response is lost after the request took effect.
    pub(crate) response_lost: u64,
    /// A request arrives after its sender gave up.
    pub(crate) late: u64,
    pub(crate) duplicated: u64,
    pub(crate) conflict: u64,
    pub(crate) throttled: u64,
    /// A `BatchGetItem` reads its items at different times, or leaves some unprocessed.
    pub(crate) torn: u64,
    pub(crate) crash: u64,
    pub(crate) frame_lost: u64,
    pub(crate) frame_duplicated: u64,
    /// A batch of the stream fails in its middle, comes late, or is given up.
    pub(crate) stream_failed: u64,
    pub(crate) stream_stalled: u64,
    pub(crate) stream_given_up: u64,
    /// The stream does not note a commit for head office.
    pub(crate) note_lost: u64,
    /// A request to Redis is lost, its response is lost, or it arrives after its sender gave up.
    pub(crate) redis_lost: u64,
    pub(crate) redis_response_lost: u64,
    pub(crate) redis_late: u64,
    /// A batch of a stream that the cache depends on is given up.
    pub(crate) invalidation_lost: u64,
    /// Largest error of a function's clock, in microseconds.
    pub(crate) skew_micros: u64,
    /// Largest latency to DynamoDB, each way, in milliseconds.
    pub(crate) latency_millis: u64,
    /// How far eventually consistent reads are behind at most, in milliseconds.
    pub(crate) lag_millis: u64,
}

impl FaultRates {
    /// The rates of a run.
    pub(crate) fn random(rng: &mut Rng) -> FaultRates {
        let mut rate = |most: u64| if rng.chance(400) { rng.between(1, most) } else { 0 };
        // In some runs a push loses its race again and again, until it is answered `busy`.
        let conflict = rate(100);
        let conflict = if rng.chance(60) { 700 } else { conflict };
        let mut rate = |most: u64| if rng.chance(400) { rng.between(1, most) } else { 0 };
        let rates = FaultRates {
            lost: rate(60),
            response_lost: rate(60),
            late: rate(30),
            duplicated: rate(60),
            conflict,
            throttled: rate(60),
            torn: rate(700),
            crash: rate(60),
            frame_lost: rate(500),
            frame_duplicated: rate(300),
            stream_failed: rate(300),
            stream_stalled: rate(100),
            stream_given_up: rate(50),
            skew_micros: rng.weighted(&[(3, 0), (4, 2_000_000), (2, 120_000_000)], 0),
            latency_millis: rng.weighted(&[(2, 2), (3, 12), (1, 80)], 12),
            ..FaultRates::default()
        };
        // From a generator of its own, so that the seeds that show rare mutations stay.
        let mut rng = Rng::derived(rng.clone().next_u64(), 1);
        // A walk is safe only as far as lag and clocks stay within what has settled.
        let lags = rates.skew_micros <= SKEW_MICROS_MAX && rng.chance(700);
        let lag_millis = if lags { rng.between(100, LAG_MILLIS_MAX) } else { 0 };
        let note_lost = if rng.chance(700) { rng.between(100, 900) } else { 0 };
        let mut rate = |most: u64| if rng.chance(400) { rng.between(1, most) } else { 0 };
        FaultRates {
            lag_millis,
            note_lost,
            redis_lost: rate(60),
            redis_response_lost: rate(60),
            redis_late: rate(60),
            invalidation_lost: rate(300),
            ..rates
        }
    }

    /// No faults, exact clocks and little latency.
    pub(crate) fn none() -> FaultRates {
        FaultRates { latency_millis: 2, ..FaultRates::default() }
    }
}
