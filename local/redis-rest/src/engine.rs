//! Runs a real Redis as a child process: in memory, on a free port of loopback, with a random password. It
//! ends with its parent.
//!
//! The password proves that the server which answers is the one that was started: between finding a free port
//! and listening on it, another process may take it.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

mod process;
mod program;

pub use program::EngineKind;

use process::Process;
use program::Program;

/// Attempts to find a free port before another process takes it.
const PORT_ATTEMPTS_MAX: u32 = 5;
/// How long an engine may take until it answers. It takes milliseconds, unless the machine is busy.
const READY_DEADLINE: Duration = Duration::from_secs(20);
/// How long another process may occupy the port when an engine is restarted.
const RESTART_DEADLINE: Duration = Duration::from_secs(10);
/// The pause between two attempts to restart.
const RESTART_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of randomness in the password.
const PASSWORD_BYTES: usize = 16;

/// Why an engine does not start.
#[derive(Debug, Error)]
pub enum EngineError {
    /// No program was found.
    #[error(
        "failed to start Redis: none of redis-server, valkey-server and meebis was found; run it by `cargo xtask`"
    )]
    NotFound,
    /// The program that was asked for was not found.
    #[error("failed to start Redis: {0} was not found")]
    KindNotFound(&'static str),
    /// No port is free.
    #[error("failed to start Redis: no free port: {0}")]
    Port(#[source] io::Error),
    /// The system has no randomness for the password.
    #[error("failed to start Redis: no randomness: {0}")]
    Randomness(#[source] getrandom::Error),
    /// The program cannot be run.
    #[error("failed to start {program}: {source}")]
    Spawn {
        /// Path of the program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The program ended before it answered; most likely another process has its port.
    #[error("failed to start {program} on port {port}: it ended at once")]
    Ended {
        /// Name of the program.
        program: String,
        /// The port that it was given.
        port: u16,
    },
    /// The program runs and does not answer.
    #[error("failed to start {program} on port {port}: no answer within {} s", READY_DEADLINE.as_secs())]
    Silent {
        /// Name of the program.
        program: String,
        /// The port that it was given.
        port: u16,
    },
}

/// A running Redis. Ends when it is dropped.
pub struct Engine {
    program: Program,
    port: u16,
    password: String,
    url: String,
    process: Mutex<Option<Process>>,
}

impl Engine {
    /// Starts an engine and waits until it answers: of this kind, or the first of `redis-server`,
    /// `valkey-server` and `meebis` that is installed.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if no program is found or it does not start.
    pub async fn start(kind: Option<EngineKind>) -> Result<Engine, EngineError> {
        let program = Program::find(kind)?;
        let password = random_password()?;
        let mut attempts = 1;
        loop {
            let port = process::free_port().map_err(EngineError::Port)?;
            match Process::start(&program, port, &password).await {
                Ok(process) => {
                    let url = format!("redis://:{password}@127.0.0.1:{port}");
                    return Ok(Engine { program, port, password, url, process: Mutex::new(Some(process)) });
                }
                Err(EngineError::Ended { .. }) if attempts < PORT_ATTEMPTS_MAX => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// The kinds that are installed on this machine, in the order of preference.
    pub fn available() -> Vec<EngineKind> {
        Program::available()
    }

    /// Its address with its password: `redis://:password@127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its kind.
    pub fn kind(&self) -> EngineKind {
        self.program.kind
    }

    /// Ends it as a crash would; its data is lost. Does nothing if it does not run.
    pub async fn kill(&self) {
        if let Some(process) = self.process.lock().await.take() {
            process.end().await;
        }
    }

    /// Starts it again on the same port, without data; kills it first if it runs.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it does not start, or another process keeps the port.
    pub async fn restart(&self) -> Result<(), EngineError> {
        self.kill().await;
        let mut slot = self.process.lock().await;
        let deadline = tokio::time::Instant::now() + RESTART_DEADLINE;
        loop {
            match Process::start(&self.program, self.port, &self.password).await {
                Ok(process) => {
                    *slot = Some(process);
                    return Ok(());
                }
                Err(EngineError::Ended { .. }) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(RESTART_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends it and waits until it has ended.
    pub async fn stop(self) {
        self.kill().await;
    }
}

fn random_password() -> Result<String, EngineError> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(EngineError::Randomness)?;
    Ok(hex::encode(bytes))
}
