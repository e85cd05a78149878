//! `tillsync-local`: the whole street on one machine, as a program. `cargo xtask dev` sets up what it needs
//! and becomes it.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use local::command_line::{self, Command, USAGE};
use local::{dev, report, user};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What a shell expects of a command that was asked for wrongly.
const EXIT_USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    report::start();
    start_tracing();
    let command = match command_line::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(refusal) => {
            report::line(&format!("failed to read the command line: {refusal}\n\n{USAGE}"));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let result: Result<(), Box<dyn Error>> = match command {
        Command::Help => {
            report::answer(USAGE);
            Ok(())
        }
        Command::Dev(options) => dev::run(&options).await.map_err(Into::into),
        Command::AddUser(words) => user::add(&words).await.map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::line(&with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The functions say what went wrong in them, and so do the parts around them.
fn start_tracing() {
    // To dynoxide every condition that does not hold is worth a warning; to us it is how races are decided.
    let levels = Targets::new().with_default(LevelFilter::WARN).with_target("dynoxide", LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(lines.with_filter(levels)).init();
}

/// The error, and those of its causes that it does not mention itself.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
