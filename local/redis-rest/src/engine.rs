//! A real Redis as a child process: nothing on disk, on loopback, on a free port, behind a password of its
//! own, gone with its parent.
//!
//! The password is what makes sure that the server which answers is the one that was started: between
//! finding a free port and listening on it, another process may have taken it.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

mod process;
mod program;

pub use program::EngineKind;

use process::Process;
use program::Program;

/// How often another port is tried when somebody else was faster.
const PORT_ATTEMPTS_MAX: u32 = 5;
/// How long an engine may take until it answers. They take milliseconds; the machine may be busy.
const READY_DEADLINE: Duration = Duration::from_secs(20);
/// How long the old port may be taken by somebody else when an engine is started again.
const RESTART_DEADLINE: Duration = Duration::from_secs(10);
/// The pause before the port is tried again.
const RESTART_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of randomness in the password.
const PASSWORD_BYTES: usize = 16;

/// Which program to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// `redis-server`, else `valkey-server`, else `meebis`.
    Any,
    /// This one.
    Only(EngineKind),
}

/// Why there is no engine.
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
    /// No port could be had.
    #[error("failed to start Redis: no free port: {0}")]
    Port(#[source] io::Error),
    /// There was no randomness for the password.
    #[error("failed to start Redis: no randomness: {0}")]
    Randomness(#[source] getrandom::Error),
    /// The program could not be run.
    #[error("failed to start {program}: {source}")]
    Spawn {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It ended before it answered; most likely somebody else has its port.
    #[error("failed to start {program} on port {port}: it ended at once")]
    Ended {
        /// Which.
        program: String,
        /// Where it was to listen.
        port: u16,
    },
    /// It runs and does not answer.
    #[error("failed to start {program} on port {port}: no answer within {} s", READY_DEADLINE.as_secs())]
    Silent {
        /// Which.
        program: String,
        /// Where it was to listen.
        port: u16,
    },
}

/// A running Redis; it ends when this is dropped.
pub struct Engine {
    program: Program,
    port: u16,
    password: String,
    url: String,
    process: Mutex<Option<Process>>,
}

impl Engine {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where there is no program, or it does not come up.
    pub async fn start(choice: EngineChoice) -> Result<Engine, EngineError> {
        let program = Program::find(choice)?;
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

    /// The kinds that [`Engine::start`] would find on this machine, best first.
    pub fn available() -> Vec<EngineKind> {
        Program::available()
    }

    /// Where it is, with its password: `redis://:password@127.0.0.1:port`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it is.
    pub fn kind(&self) -> EngineKind {
        self.program.kind
    }

    /// Ends it as a crash would; its data is gone. Nothing happens if it does not run.
    pub async fn kill(&self) {
        if let Some(process) = self.process.lock().await.take() {
            process.end().await;
        }
    }

    /// Starts it again on the same port, empty; a running one is killed first.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it does not come up, or somebody else has taken the port and keeps it.
    pub async fn restart(&self) -> Result<(), EngineError> {
        self.kill().await;
        let mut slot = self.process.lock().await;
        let give_up = tokio::time::Instant::now() + RESTART_DEADLINE;
        loop {
            match Process::start(&self.program, self.port, &self.password).await {
                Ok(process) => {
                    *slot = Some(process);
                    return Ok(());
                }
                Err(EngineError::Ended { .. }) if tokio::time::Instant::now() < give_up => {
                    tokio::time::sleep(RESTART_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends it and waits until it is gone.
    pub async fn stop(self) {
        self.kill().await;
    }
}

fn random_password() -> Result<String, EngineError> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).map_err(EngineError::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
