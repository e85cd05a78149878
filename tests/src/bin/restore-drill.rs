//! `cargo xtask restore-drill`: puts the tables back from a copy and lets the tills return.

use std::process::ExitCode;

use clap::Parser;
use tests::report::exit_code;
use tests::restore_drill::{Arguments, run};

#[tokio::main]
async fn main() -> ExitCode {
    exit_code("restore-drill", run(&Arguments::parse()).await)
}
