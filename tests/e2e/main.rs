//! End to end: every test goes through workerd, the Lambda handlers and DynamoDB, on a stack that the tests
//! share.
//!
//! Each test has a tenant of its own, so that tests run side by side. After a test, DESIGN.md's invariants
//! are checked on what the test has written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

/// Tests on the shared stack, each named by its path: `sync::push::an_empty_batch_changes_nothing`.
macro_rules! trials {
    ($($test:ident),* $(,)?) => {
        vec![$($crate::world::shared_trial(concat!(module_path!(), "::", stringify!($test)), $test)),*]
    };
}

/// Tests that stop Redis or count its commands: one at a time, on the other stack.
macro_rules! exclusive_trials {
    ($($test:ident),* $(,)?) => {
        vec![$($crate::world::exclusive_trial(concat!(module_path!(), "::", stringify!($test)), $test)),*]
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
mod replies;
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
