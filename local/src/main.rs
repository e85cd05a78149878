//! `tillsync-local`: the whole stack on one machine, as a program. `cargo xtask dev` prepares it and runs it.

use std::error::Error;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use functions::start::now;
use local::command_line::{BranchCommand, Command, KeysCommand, RotateKeys, UserCommand};
use local::keys::rotation;
use local::{branch, dev, report, user};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[tokio::main]
async fn main() -> ExitCode {
    report::start();
    start_tracing();
    let result: Result<(), Box<dyn Error>> = match Command::parse() {
        Command::Dev(options) => dev::run(&options).await.map_err(Into::into),
        Command::User(UserCommand::Add(user)) => user::add(&user).await.map_err(Into::into),
        Command::Branch(BranchCommand::Add(branch)) => branch::add(&branch).await.map_err(Into::into),
        Command::Keys(KeysCommand::Rotate(RotateKeys { data })) => rotation::rotate(&data, now())
            .map(|rotated| report::result(&rotated.to_string()))
            .map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::line(&with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Warnings and errors of the functions and of the parts around them go to standard error.
fn start_tracing() {
    // dynoxide warns about every failed condition; tillsync decides races by them.
    let levels = Targets::new().with_default(LevelFilter::WARN).with_target("dynoxide", LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| report::Lines)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry().with(lines.with_filter(levels)).init();
}

/// The error, followed by each cause that its text does not mention.
fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
