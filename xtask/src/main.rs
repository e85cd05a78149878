//! `cargo xtask`: the project's only scripts.
//!
//! It is built before anything else, so it has few dependencies. In reading order: [`command_line`] finds the
//! command, [`task`] runs it, [`setup`] installs what it needs, [`child`] and [`signals`] run programs and
//! end them.

use std::env;
use std::process::ExitCode;

use command_line::Request;

mod command_line;
mod task;

mod edge;
mod lint;

mod setup;

mod child;
mod file;
mod lock;
mod native;
mod project;
mod report;
mod signals;

/// The exit status of a usage error, as shells have it.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    report::start();
    let result = match command_line::parse(env::args_os().skip(1)) {
        Ok(Request::Help) => {
            report::print(&command_line::usage());
            Ok(())
        }
        Ok(Request::Run(task, arguments)) => task.run(&arguments),
        Err(error) => {
            report::line(&format!("xtask: {error}\n\n{}", command_line::usage()));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::line(&format!("xtask: {error}"));
            ExitCode::FAILURE
        }
    }
}
