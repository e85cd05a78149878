//! `cargo xtask replay`: several tills sell a day of invoices and must end with equal records.

use std::process::ExitCode;

use clap::Parser;
use tests::replay::{Arguments, run};
use tests::report::exit_code;

#[tokio::main]
async fn main() -> ExitCode {
    exit_code("replay", run(&Arguments::parse()).await)
}
