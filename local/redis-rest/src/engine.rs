//! Runs a real Redis as a child process: on a free port of loopback, with a random password. It ends with its
//! parent, and its data with it.
//!
//! The password proves that the server which answers is the one that was started: between finding a free port
//! and listening on it, another process may take it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;

mod data_folder;
mod process;
mod program;

pub use program::EngineKind;

use data_folder::DataFolder;
use process::Process;
use program::Program;

use crate::redis_url::RedisUrl;

/// Attempts to find a free port before another process takes it.
const PORT_ATTEMPTS_MAX: u32 = 5;
/// How long an engine may take until it answers. It takes milliseconds, unless the machine is busy.
const READY_DEADLINE: Duration = Duration::from_secs(20);
/// How long another process may occupy the port when an engine is restarted.
const RESTART_DEADLINE: Duration = Duration::from_secs(10);
/// The pause between two attempts to restart.
const RESTART_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of randomness in the password and in the name of the data folder.
const RANDOM_BYTES: usize = 16;

/// Why an engine does not start.
#[derive(Debug, Error)]
pub enum EngineError {
    /// No program was found.
    #[error(
        "failed to start Redis: neither redis-server nor valkey-server is on PATH; \
         `cargo xtask` installs Valkey"
    )]
    NotFound,
    /// The program that was asked for was not found.
    #[error("failed to start Redis: {0} was not found")]
    KindNotFound(&'static str),
    /// No port is free.
    #[error("failed to start Redis: no free port: {0}")]
    Port(#[source] io::Error),
    /// There is no place for its data.
    #[error("failed to start Redis: no folder for its data: {0}")]
    Folder(#[source] io::Error),
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
    url: String,
    shared: Arc<Shared>,
    unkillable: Arc<Notify>,
    rescuer: JoinHandle<()>,
}

/// What the engine and its rescuer share.
struct Shared {
    program: Program,
    port: u16,
    password: String,
    running: Mutex<Option<Running>>,
}

/// The process is dropped first: it writes into the folder.
struct Running {
    process: Process,
    folder: DataFolder,
}

impl Engine {
    /// Starts an engine and waits until it answers: of this kind, or the first of `redis-server` and
    /// `valkey-server` that is on PATH.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if no program is found or it does not start.
    pub async fn start(kind: Option<EngineKind>) -> Result<Engine, EngineError> {
        let program = Program::find(kind)?;
        let password = random_text()?;
        let mut attempts = 1;
        loop {
            let port = process::free_port().map_err(EngineError::Port)?;
            let folder = new_folder()?;
            match Process::start(&program, port, &password, folder.path()).await {
                Ok(process) => {
                    let running = Mutex::new(Some(Running { process, folder }));
                    return Ok(Engine::new(Shared { program, port, password, running }));
                }
                Err(EngineError::Ended { .. }) if attempts < PORT_ATTEMPTS_MAX => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn new(shared: Shared) -> Engine {
        let url = format!("redis://:{}@127.0.0.1:{}", shared.password, shared.port);
        let (shared, unkillable) = (Arc::new(shared), Arc::new(Notify::new()));
        let rescuer = tokio::spawn(rescue_when_told(Arc::clone(&shared), Arc::clone(&unkillable)));
        Engine { url, shared, unkillable, rescuer }
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
        self.shared.program.kind
    }

    /// Notify it when a script runs too long and cannot be killed, because it has written. The engine is then
    /// ended and started again with the data from before the script.
    pub fn unkillable_script(&self) -> Arc<Notify> {
        Arc::clone(&self.unkillable)
    }

    /// Ends it as a crash would; its data is lost. Does nothing if it does not run.
    pub async fn kill(&self) {
        if let Some(running) = self.shared.running.lock().await.take() {
            running.process.end().await;
        }
    }

    /// Starts it again on the same port, without data; kills it first if it runs.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if it does not start, or another process keeps the port.
    pub async fn restart(&self) -> Result<(), EngineError> {
        self.kill().await;
        let mut running = self.shared.running.lock().await;
        *running = Some(self.shared.start_again(new_folder()?).await?);
        Ok(())
    }

    /// Ends it and waits until it has ended.
    pub async fn stop(self) {
        self.kill().await;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.rescuer.abort();
    }
}

impl Shared {
    /// Starts it on the same port, with the data in the folder.
    async fn start_again(&self, folder: DataFolder) -> Result<Running, EngineError> {
        let deadline = tokio::time::Instant::now() + RESTART_DEADLINE;
        loop {
            match Process::start(&self.program, self.port, &self.password, folder.path()).await {
                Ok(process) => return Ok(Running { process, folder }),
                Err(EngineError::Ended { .. }) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(RESTART_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Redis logs what a script writes when the script ends, so nothing of this one is in the data: as at the
    /// service, where a script that fails writes nothing.
    async fn rescue(&self) -> Result<(), EngineError> {
        let mut running = self.running.lock().await;
        let reply = process::ping(&RedisUrl::local(self.port, &self.password)).await;
        if !reply.is_ok_and(|reply| process::is_busy(&reply)) {
            return Ok(());
        }
        if let Some(Running { process, folder }) = running.take() {
            process.end().await;
            *running = Some(self.start_again(folder).await?);
        }
        Ok(())
    }
}

async fn rescue_when_told(shared: Arc<Shared>, unkillable: Arc<Notify>) {
    loop {
        unkillable.notified().await;
        if let Err(error) = shared.rescue().await {
            tracing::error!(%error, "Redis was ended, because of an endless script, and did not start again");
        }
    }
}

fn new_folder() -> Result<DataFolder, EngineError> {
    DataFolder::create(&random_text()?).map_err(EngineError::Folder)
}

/// Text that cannot be guessed.
fn random_text() -> Result<String, EngineError> {
    let mut bytes = [0; RANDOM_BYTES];
    getrandom::fill(&mut bytes).map_err(EngineError::Randomness)?;
    Ok(hex::encode(bytes))
}
