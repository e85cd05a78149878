//! `cargo xtask sim`: the deterministic simulation.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use tests::report::exit_code;
use tests::sim::{Arguments, run};

fn main() -> ExitCode {
    exit_code("sim", run(&Arguments::parse()).map_err(|error| -> Box<dyn Error> { error }))
}
