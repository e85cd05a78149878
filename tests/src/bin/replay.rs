//! `cargo xtask replay`: several tills sell a day and must end with the same records.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match tests::replay::run(std::env::args_os().skip(1)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("replay: {}", tests::report::tell(&error));
            ExitCode::FAILURE
        }
    }
}
