//! The edge: the real worker in workerd, run by `wrangler dev` from the real `wrangler.toml`.
//!
//! In reading order: `command` builds wrangler's command line, `output` reads what it prints, `group` ends
//! all its processes.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::Child;
use tokio::time::{sleep, timeout};

mod command;
mod error;
mod group;
mod output;

use group::Group;
use output::Output;

use crate::telemetry::Telemetry;

pub use command::EdgeVariables;
pub use error::{EdgeDeath, EdgeError};

/// How long the worker may take to respond, including its build, which may wait for another build.
const READY_PATIENCE: Duration = Duration::from_secs(120);
/// How long one health check may take.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);
/// How long wrangler may take to stop after SIGTERM, which workerd sometimes ignores.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end killed processes and to free the port.
const KILL_PATIENCE: Duration = Duration::from_secs(1);
/// Interval between two checks of a condition.
const POLL: Duration = Duration::from_millis(25);

/// A running edge. Dropping it without [`stop`](Edge::stop) kills it.
pub struct Edge {
    url: String,
    port: u16,
    child: Child,
    group: Group,
    output: Arc<Output>,
}

/// A port for the edge: `wanted`, or a free one for 0.
pub fn pick_port(wanted: u16) -> Result<u16, EdgeError> {
    // Only a check: wrangler takes a port number, not a socket.
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).and_then(|listener| listener.local_addr());
    match bound {
        Ok(address) => Ok(address.port()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(EdgeError::PortTaken(wanted)),
        Err(error) => Err(error.into()),
    }
}

/// The base URL of the edge on `port`, without a trailing slash.
pub fn url(port: u16) -> String {
    format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
}

impl Edge {
    /// Starts the worker of the project at `root` and waits until it is healthy. Its lines about requests go
    /// to `telemetry`, all other output to `say`, its files into `folder`. `configs` replace `wrangler.toml`.
    pub async fn start(
        root: &Path,
        folder: &Path,
        port: u16,
        variables: &EdgeVariables,
        configs: &[PathBuf],
        telemetry: Telemetry,
        say: fn(&str),
    ) -> Result<Edge, EdgeError> {
        let mut command = command::command(root, folder, port, variables)?;
        command.args(configs.iter().flat_map(|config| [OsStr::new("--config"), config.as_os_str()]));
        group::adopt_orphans();
        let mut child = command.spawn()?;
        // A child has an id until it is waited for.
        let group = Group::of(&child).ok_or(std::io::ErrorKind::NotFound).map_err(std::io::Error::from)?;
        let output = Output::read(&mut child, telemetry, say);
        let mut edge = Edge { url: url(port), port, child, group, output };
        edge.wait_until_ready().await?;
        Ok(edge)
    }

    /// Its base URL, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The id of wrangler's process, the ancestor of workerd; `None` once it has ended.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until wrangler or its workerd has ended by itself.
    pub async fn death(&mut self) -> EdgeDeath {
        let reason = tokio::select! {
            status = self.child.wait() => match status {
                Ok(status) => format!("wrangler has ended ({})", describe(status)),
                Err(error) => format!("wrangler cannot be watched ({error})"),
            },
            // wrangler would restart workerd and hide that all sockets were lost.
            () = self.output.runtime_crashed() => "workerd has ended".to_owned(),
        };
        // The last lines may still be in the pipe.
        sleep(POLL).await;
        EdgeDeath { reason, last_lines: self.output.last_lines() }
    }

    async fn wait_until_ready(&mut self) -> Result<(), EdgeError> {
        let client = reqwest::Client::builder().timeout(HEALTH_PATIENCE).no_proxy().build()?;
        let health = format!("{}/healthz", self.url);
        let healthy = async {
            while !client.get(&health).send().await.is_ok_and(|response| response.status().is_success()) {
                sleep(POLL).await;
            }
        };
        tokio::select! {
            () = healthy => Ok(()),
            death = self.death() => Err(EdgeError::Died(death)),
            () = sleep(READY_PATIENCE) => Err(EdgeError::Died(EdgeDeath {
                reason: format!("{health} did not answer within {READY_PATIENCE:?}"),
                last_lines: self.output.last_lines(),
            })),
        }
    }

    /// Ends all processes, with SIGTERM and then SIGKILL, and waits until the port is free.
    pub async fn stop(mut self) {
        self.group.terminate();
        self.wait(STOP_GRACE, |edge| edge.group.has_members()).await;
        self.group.kill();
        self.wait(KILL_PATIENCE, |edge| edge.group.has_members() || pick_port(edge.port).is_err()).await;
    }

    /// Waits while `is_running`, for `patience` at most.
    async fn wait(&mut self, patience: Duration, is_running: impl Fn(&Edge) -> bool) {
        // The result does not matter: what still runs is killed, or left to the kernel.
        let _ = timeout(patience, async {
            let _ = self.child.wait().await;
            while is_running(self) {
                sleep(POLL).await;
            }
        })
        .await;
    }
}

impl Drop for Edge {
    /// For an interrupted start or a failed test, which cannot wait.
    fn drop(&mut self) {
        self.group.kill();
        let deadline = Instant::now() + KILL_PATIENCE;
        while self.group.has_members() && Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }
}

fn describe(status: ExitStatus) -> String {
    status.to_string().replace(": ", " ")
}
