//! `cargo xtask`: the project's only scripts.
//!
//! It runs before anything else is built, so it stays light: the standard library, signals, gzip. In
//! reading order: [`command_line`] says what may be asked for, [`task`] does it (one module per command),
//! [`setup`] fetches what the commands need, [`child`] and [`signals`] run programs and end them.

use std::env;
use std::process::ExitCode;

mod command_line;
mod task;

mod bench;
mod dev;
mod edge;
mod lint;
mod openapi;
mod redis_rest;
mod replay;
mod sim;
mod test;
mod user;

mod setup;

mod child;
mod lock;
mod native;
mod project;
mod report;
mod signals;

/// What a shell expects of a command that was asked for wrongly.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    report::start();
    let task = match command_line::parse(env::args_os().skip(1)) {
        Ok(task) => task,
        Err(refusal) => {
            report::line(&format!("xtask: {refusal}\n\n{}", command_line::USAGE));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match task::run(&task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::line(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
