//! `cargo xtask bench sync` and `cargo xtask bench redis`: measures the promised figures.

use std::process::ExitCode;

use clap::Parser;
use tests::bench::{Arguments, run};
use tests::report::exit_code;

#[tokio::main]
async fn main() -> ExitCode {
    exit_code("bench", run(&Arguments::parse()).await.map(|()| true))
}
