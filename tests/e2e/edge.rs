//! The edge, for every endpoint: bad input, rate limits, and the two descriptions of the protocol.

use libtest_mimic::Trial;

pub(crate) mod bad_input;
pub(crate) mod openapi;
pub(crate) mod protocol_page;
pub(crate) mod rate_limits;

pub(crate) fn trials() -> Vec<Trial> {
    let all = [bad_input::trials(), openapi::trials(), protocol_page::trials(), rate_limits::trials()];
    all.into_iter().flatten().collect()
}
