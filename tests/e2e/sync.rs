//! Sync end to end: push, pull, conflicts, dead letters and the broadcast.

use libtest_mimic::Trial;

pub(crate) mod absence;
pub(crate) mod broadcast;
pub(crate) mod concurrency;
pub(crate) mod dead_letters;
pub(crate) mod faults;
pub(crate) mod head_office;
pub(crate) mod policies;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod resolve;
pub(crate) mod shop_day;
pub(crate) mod stats;
pub(crate) mod tenancy;

pub(crate) fn trials() -> Vec<Trial> {
    let all = [
        absence::trials(),
        broadcast::trials(),
        concurrency::trials(),
        dead_letters::trials(),
        faults::trials(),
        head_office::trials(),
        policies::trials(),
        pull::trials(),
        push::trials(),
        resolve::trials(),
        shop_day::trials(),
        stats::trials(),
        tenancy::trials(),
    ];
    all.into_iter().flatten().collect()
}
