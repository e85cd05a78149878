//! `cargo xtask sim`: tills over a faulty network, from a seed.

use std::process::ExitCode;

fn main() -> ExitCode {
    match tests::sim::run::run(std::env::args_os().skip(1)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sim: {}", tests::report::tell(&error));
            ExitCode::FAILURE
        }
    }
}
