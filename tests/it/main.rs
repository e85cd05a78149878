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

mod absence;
mod auth;
mod bad_input;
mod broken;
mod cache;
mod carts;
mod data;
mod dead;
mod head_office;
mod holds;
mod invariants;
mod limits;
mod openapi;
mod policies;
mod protocol;
mod pull;
mod push;
mod race;
mod redis;
mod replay;
mod resolve;
mod room;
mod sessions;
mod shop;
mod stats;
mod tenancy;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = [
        absence::trials(),
        auth::trials(),
        bad_input::trials(),
        broken::trials(),
        cache::trials(),
        carts::trials(),
        data::trials(),
        dead::trials(),
        head_office::trials(),
        limits::trials(),
        openapi::trials(),
        policies::trials(),
        protocol::trials(),
        pull::trials(),
        push::trials(),
        race::trials(),
        redis::trials(),
        replay::trials(),
        resolve::trials(),
        room::trials(),
        sessions::trials(),
        stats::trials(),
        tenancy::trials(),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials.into_iter().flatten().collect());
    world::stop();
    conclusion.exit_code()
}
