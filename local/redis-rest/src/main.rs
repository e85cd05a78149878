//! `redis-rest`: a local Upstash, as a program.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use redis_rest::command_line::{self, Command, Run, USAGE};
use redis_rest::engine::{Engine, EngineChoice};
use redis_rest::front::{Front, FrontOptions};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

/// What a shell expects of a command that was asked for wrongly.
const EXIT_USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(LevelFilter::WARN)
        .init();
    let run = match command_line::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(run)) => run,
        Ok(Command::Help) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(refusal) => {
            complain(&format!("failed to read the command line: {refusal}\n\n{USAGE}"));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match serve(run).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Runs until a signal says stop.
async fn serve(run: Run) -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let engine = match &run.redis_url {
        Some(_) => None,
        None => Some(Engine::start(EngineChoice::Any).await?),
    };
    let redis_url = engine.as_ref().map(|engine| engine.url().to_owned()).or(run.redis_url);
    let front = Front::start(FrontOptions {
        listen: SocketAddr::from((run.host, run.port)),
        read_only_token: run.read_only_token.clone(),
        bill_scripts: false,
        ..FrontOptions::new(&redis_url.unwrap_or_default(), &run.token)
    })
    .await?;
    let over = engine.as_ref().map_or("the Redis that was named", |engine| engine.kind().name());
    say(&format!("Upstash's REST protocol over {over}, until Ctrl-C:\n"));
    say(&format!("UPSTASH_REDIS_REST_URL={}", front.url()));
    say(&format!("UPSTASH_REDIS_REST_TOKEN={}", run.token));
    if let Some(token) = &run.read_only_token {
        say(&format!("# to read only: UPSTASH_REDIS_REST_TOKEN={token}"));
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    front.stop().await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(())
}

fn say(text: &str) {
    // A terminal that is gone is no reason to fail, and `println!` would panic.
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
