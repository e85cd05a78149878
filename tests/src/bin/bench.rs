//! `cargo xtask bench sync` and `cargo xtask bench redis`: what is promised in figures, measured.

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
