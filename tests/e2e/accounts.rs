//! Accounts end to end: sign-in and sessions.

use libtest_mimic::Trial;

pub(crate) mod sessions;
pub(crate) mod sign_in;

pub(crate) fn trials() -> Vec<Trial> {
    let all = [sessions::trials(), sign_in::trials()];
    all.into_iter().flatten().collect()
}
