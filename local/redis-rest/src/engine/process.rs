//! One run of an engine, and the watch that ends it when we are killed.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use tokio::process::{Child, Command};

use super::program::Program;
use super::{EngineError, READY_DEADLINE};
use crate::connection::Connection;
use crate::redis_url::RedisUrl;

/// The pause between two questions whether the engine is there.
const READY_PAUSE: Duration = Duration::from_millis(10);

/// What the watch runs: it reads until the other end of its input is closed, which happens whenever and
/// however we end, and then ends the engine.
const WATCH_SCRIPT: &str = "read -r line; kill -9 \"$1\"";

/// An engine that answers. Dropped, both its processes are killed.
pub(super) struct Process {
    // The order matters: the watch must be gone before the engine's process id may be somebody else's.
    watch: Child,
    engine: Child,
}

/// A port that nobody listens on at the moment.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Process {
    pub(super) async fn start(program: &Program, port: u16, password: &str) -> Result<Process, EngineError> {
        let name = program.kind.name().to_owned();
        let spawn = |source| EngineError::Spawn { program: program.path.display().to_string(), source };
        let mut command = Command::new(&program.path);
        command.args(program.arguments(port, password)).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        // A Ctrl-C in the terminal is for us; we end the engine when it is time.
        let mut engine = command.process_group(0).kill_on_drop(true).spawn().map_err(spawn)?;
        let id = engine.id().ok_or_else(|| EngineError::Ended { program: name.clone(), port })?;
        let watch = watch(id).map_err(spawn)?;

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
        let process = Process { watch, engine };
        match ready {
            Ok(()) => Ok(process),
            Err(error) => {
                process.end().await;
                Err(error)
            }
        }
    }

    /// Kills both and waits until they are gone.
    pub(super) async fn end(mut self) {
        // Both may have ended by themselves; that is what is wanted.
        let _ = self.watch.kill().await;
        let _ = self.engine.kill().await;
    }
}

fn watch(engine: u32) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCH_SCRIPT, "watch"]).arg(engine.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true).spawn()
}

async fn answers(url: &RedisUrl) -> bool {
    let Ok(mut connection) = Connection::open(url).await else { return false };
    connection.exchange(&[vec![Bytes::from_static(b"PING")]]).await.is_ok()
}
