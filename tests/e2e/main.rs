//! End to end: every test goes through workerd, the Lambda handlers and DynamoDB, on one stack that all share.
//!
//! Each test has a client of its own, so they run side by side; what it left in its rooms is checked against
//! DESIGN.md's invariants when it is done.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// Trials of these tests, each named by its path: `sync::push::a_batch_is_applied`.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        vec![$($crate::world::trial(concat!(module_path!(), "::", stringify!($test)), $test)),*]
    };
}

/// As [`trials`], for tests that take Redis away: one at a time, on a stack of their own.
macro_rules! frail_trials {
    ($($test:ident),* $(,)?) => {
        vec![$($crate::world::frail(concat!(module_path!(), "::", stringify!($test)), $test)),*]
    };
}

mod accounts;
mod cache_admin;
mod carts;
mod edge;
mod records;
mod redis;
mod sync;

mod follower;
mod invariants;
mod shop;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = [
        accounts::trials(),
        cache_admin::trials(),
        carts::trials(),
        edge::trials(),
        records::trials(),
        redis::trials(),
        sync::trials(),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials.into_iter().flatten().collect());
    world::stop();
    conclusion.exit_code()
}
