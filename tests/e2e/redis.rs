//! Redis, taken away and given back: every request is served, nothing is lost, and nothing stale stays. Most of these tests
//! have a stack of their own, one at a time.

mod commands;
mod counts;
mod full;
mod gone;
mod load;
mod stale;
mod through;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    let all = [
        commands::trials(),
        counts::trials(),
        gone::trials(),
        full::trials(),
        stale::trials(),
        through::trials(),
        load::trials(),
    ];
    all.into_iter().flatten().collect()
}
