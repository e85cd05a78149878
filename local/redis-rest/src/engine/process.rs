//! One run of an engine, and the watchdog that ends it when this process is killed.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::program::Program;
use super::{EngineError, READY_DEADLINE};
use crate::connection::{Connection, ExchangeError};
use crate::redis_url::RedisUrl;
use crate::request::arguments;
use crate::resp::Reply;

/// The pause between two attempts to reach the engine.
const READY_PAUSE: Duration = Duration::from_millis(10);

/// Waits until its input is closed, which happens however this process ends; then kills the engine and
/// removes its data.
const WATCHDOG_SCRIPT: &str = "read -r line; kill -9 \"$1\"; rm -rf \"$2\"";

/// An engine that answers. Both processes are killed when it is dropped.
pub(super) struct Process {
    // Dropped first: it must end before the engine's process id can belong to another process.
    watchdog: Child,
    engine: Child,
}

/// A port that is free at the moment.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Process {
    pub(super) async fn start(
        program: &Program,
        port: u16,
        password: &str,
        folder: &Path,
    ) -> Result<Process, EngineError> {
        let name = program.kind.name().to_owned();
        let spawn = |source| EngineError::Spawn { program: program.path.display().to_string(), source };
        let mut command = Command::new(&program.path);
        command.args(Program::arguments(port, password, folder)).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // Keeps a Ctrl-C in the terminal away from the engine; this process ends it.
        let mut engine = command.process_group(0).kill_on_drop(true).spawn().map_err(spawn)?;
        let id = engine.id().ok_or_else(|| EngineError::Ended { program: name.clone(), port })?;
        let watchdog = watchdog(id, folder).map_err(spawn)?;

        let url = RedisUrl::local(port, password);
        let ready = tokio::time::timeout(READY_DEADLINE, async {
            loop {
                if engine.try_wait().map_err(spawn)?.is_some() {
                    return Err(EngineError::Ended { program: name.clone(), port });
                }
                if answers(&url).await {
                    return Ok(());
                }
                tokio::time::sleep(READY_PAUSE).await;
            }
        });
        let ready = ready.await.unwrap_or(Err(EngineError::Silent { program: name.clone(), port }));
        let process = Process { watchdog, engine };
        match ready {
            Ok(()) => Ok(process),
            Err(error) => {
                process.end().await;
                Err(error)
            }
        }
    }

    /// Kills both processes and waits until they have ended.
    pub(super) async fn end(mut self) {
        // An error means that a process has already ended.
        let _ = self.watchdog.kill().await;
        let _ = self.engine.kill().await;
    }
}

fn watchdog(engine: u32, folder: &Path) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCHDOG_SCRIPT, "watchdog"]).arg(engine.to_string()).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true).spawn()
}

/// Not while it loads its data. A script may run already: clients can be faster than this.
async fn answers(url: &RedisUrl) -> bool {
    match ping(url).await {
        Ok(Reply::Simple(_)) => true,
        Ok(reply) => is_busy(&reply),
        Err(_) => false,
    }
}

/// Whether it executes a script that has run for long.
pub(super) fn is_busy(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(text) if text.starts_with(b"BUSY"))
}

pub(super) async fn ping(url: &RedisUrl) -> Result<Reply, ExchangeError> {
    let mut connection = Connection::open(url).await?;
    Ok(connection.exchange(&[arguments(["PING"])]).await?.pop().unwrap_or(Reply::Nil))
}
