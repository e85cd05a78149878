//! `cargo xtask bench sync`: what push, pull and broadcast cost.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match tests::bench::run(std::env::args_os().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {}", tests::report::tell(&*error));
            ExitCode::FAILURE
        }
    }
}
