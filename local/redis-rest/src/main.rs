//! `redis-rest`: a local Upstash, as a program.

use std::error::Error;
use std::io::{IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use redis_rest::engine::Engine;
use redis_rest::server::{Server, ServerError, ServerOptions};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

/// Serves Upstash's REST protocol over a Redis.
///
/// Without --redis-url it starts a Redis of its own, which forgets everything when it ends.
// No `Debug`: it holds tokens.
#[derive(Parser)]
#[command(name = "redis-rest", args_override_self = true)]
struct Options {
    /// Token that permits every command
    #[arg(long, allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    token: String,
    /// Token that permits only read commands
    #[arg(
        long,
        value_name = "TOKEN",
        allow_hyphen_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    read_only_token: Option<String>,
    /// Redis to use, as redis://[user:password@]host[:port][/database]
    #[arg(long, value_name = "URL")]
    redis_url: Option<String>,
    /// Address to listen on
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 8079)]
    port: u16,
}

/// A server that does not start, with the option at fault.
#[derive(Debug, Error)]
enum OptionError {
    #[error("--redis-url: {0}")]
    RedisUrl(#[source] ServerError),
    #[error("--host, --port: {0}")]
    Listen(#[source] ServerError),
    #[error("--token, --read-only-token: {0}")]
    Tokens(#[source] ServerError),
}

impl From<ServerError> for OptionError {
    fn from(error: ServerError) -> OptionError {
        match error {
            ServerError::Url(_) => OptionError::RedisUrl(error),
            ServerError::Listen { .. } => OptionError::Listen(error),
            ServerError::EmptyToken | ServerError::EqualTokens => OptionError::Tokens(error),
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(LevelFilter::WARN)
        .init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs until a signal arrives.
async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let engine = match &options.redis_url {
        Some(_) => None,
        None => Some(Engine::start(None).await?),
    };
    let redis_url = engine.as_ref().map(|engine| engine.url().to_owned()).or(options.redis_url);
    let server = Server::start(ServerOptions {
        listen: SocketAddr::from((options.host, options.port)),
        read_only_token: options.read_only_token.clone(),
        unkillable_script: engine.as_ref().map(Engine::unkillable_script),
        bill_scripts: false,
        ..ServerOptions::new(&redis_url.unwrap_or_default(), &options.token)
    })
    .await
    .map_err(OptionError::from)?;
    let over = engine.as_ref().map_or("the Redis that was named", |engine| engine.kind().name());
    print(&format!("Upstash's REST protocol over {over}, until Ctrl-C:\n"));
    print(&format!("UPSTASH_REDIS_REST_URL={}", server.url()));
    print(&format!("UPSTASH_REDIS_REST_TOKEN={}", options.token));
    if let Some(token) = &options.read_only_token {
        print(&format!("# to read only: UPSTASH_REDIS_REST_TOKEN={token}"));
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    server.stop().await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(())
}

fn print(text: &str) {
    // A closed terminal is no reason to fail, and `println!` would panic.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Options::try_parse_from(std::iter::once("redis-rest").chain(line.split_whitespace()))
    }

    #[test]
    fn only_the_token_is_required() {
        let options = parse("--token t").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((options.host.to_string().as_str(), options.port), ("127.0.0.1", 8079));
        assert!(options.token == "t" && options.read_only_token.is_none() && options.redis_url.is_none());
    }

    #[test]
    fn every_option_is_read() {
        let line = "--token t --host ::1 --port 0 --redis-url redis://h --read-only-token -r";
        let options = parse(line).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (options.host.to_string().as_str(), options.port, options.token.as_str()),
            ("::1", 0, "t")
        );
        assert_eq!(options.read_only_token.as_deref(), Some("-r"));
        assert_eq!(options.redis_url.as_deref(), Some("redis://h"));
    }

    #[test]
    fn an_error_names_the_wrong_argument() {
        let error = |line: &str| parse(line).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error("").contains("--token <TOKEN>"), "{}", error(""));
        assert!(error("--token t extra").contains("extra"));
        assert!(error("--token t --port x").contains("port"));
        assert_eq!(parse("--help").err().map(|error| error.kind()), Some(ErrorKind::DisplayHelp));
    }
}
