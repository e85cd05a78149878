//! Redis, taken away and given back: every request is served, nothing is lost, and nothing stale stays. These tests have
//! a stack of their own, one at a time.

mod counts;
mod gone;
mod load;
mod stale;
mod through;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [counts::trials(), gone::trials(), stale::trials(), through::trials(), load::trials()]
        .into_iter()
        .flatten()
        .collect()
}
