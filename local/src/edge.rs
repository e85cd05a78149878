//! The edge: the real worker in workerd, run by `wrangler dev` from the real `wrangler.toml`.
//!
//! In reading order: `command` is how wrangler is called, `output` what is kept of what it says,
//! `group` how all its processes are ended.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

mod command;
mod error;
mod group;
mod output;

use command::Setup;
use group::Group;
use output::Output;

pub use command::EdgeVariables;
pub use error::{EdgeDeath, EdgeError};

/// How long the worker may take to answer. Its build is included, which may have to wait for another.
const READY_PATIENCE: Duration = Duration::from_secs(120);
/// How long one answer may take while the worker starts.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);
/// How long wrangler may take to stop by itself. workerd at times ignores the polite signal for good.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long the kernel may take to end what was killed, and to free the port.
const KILL_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at something that is about to happen.
const POLL: Duration = Duration::from_millis(25);

/// A running edge. Dropped without [`stop`](Edge::stop), it is killed.
pub struct Edge {
    url: String,
    port: u16,
    child: Child,
    group: Group,
    output: Output,
}

/// A port for the edge: `wanted`, or a free one for 0.
pub fn pick_port(wanted: u16) -> Result<u16, EdgeError> {
    // Bound and given back: wrangler takes a number, not a socket.
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).and_then(|listener| listener.local_addr());
    match bound {
        Ok(address) => Ok(address.port()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => Err(EdgeError::PortTaken(wanted)),
        Err(error) => Err(error.into()),
    }
}

/// Where the edge on `port` is, without a trailing slash.
pub fn url(port: u16) -> String {
    format!("http://{}:{port}", Ipv4Addr::LOCALHOST)
}

impl Edge {
    /// Starts the worker of the project at `root` and waits until it answers. What it prints goes to `say`;
    /// what it keeps goes into `folder`.
    pub async fn start(
        root: &Path,
        folder: &Path,
        port: u16,
        variables: &EdgeVariables,
        say: fn(&str),
    ) -> Result<Edge, EdgeError> {
        let mut command = Setup { root, folder, port }.command(variables)?;
        group::adopt_orphans();
        let mut child = command.spawn()?;
        // A child that was just started and not waited for has an id.
        let group = Group::of(&child).ok_or(std::io::ErrorKind::NotFound).map_err(std::io::Error::from)?;
        let output = Output::read(&mut child, say);
        let mut edge = Edge { url: url(port), port, child, group, output };
        edge.wait_until_ready().await?;
        Ok(edge)
    }

    /// Where it is reached, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Comes back when the edge has ended by itself: wrangler, or the workerd that it runs.
    pub async fn death(&mut self) -> EdgeDeath {
        let reason = tokio::select! {
            status = self.child.wait() => match status {
                Ok(status) => format!("wrangler has ended ({})", words(status)),
                Err(error) => format!("wrangler cannot be watched ({error})"),
            },
            // wrangler would start it again, without its sockets and as if nothing had been.
            () = self.output.runtime_crashed() => "workerd has ended".to_owned(),
        };
        // What it said at the end may still be in the pipe.
        sleep(POLL).await;
        EdgeDeath { reason, last_lines: self.output.last_lines() }
    }

    async fn wait_until_ready(&mut self) -> Result<(), EdgeError> {
        let client = reqwest::Client::builder().timeout(HEALTH_PATIENCE).no_proxy().build()?;
        let health = format!("{}/healthz", self.url);
        let deadline = Instant::now() + READY_PATIENCE;
        let ready = async {
            loop {
                let answer = client.get(&health).send().await;
                if answer.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
                sleep(POLL).await;
            }
        };
        tokio::select! {
            () = ready => Ok(()),
            death = self.death() => Err(EdgeError::Died(death)),
            () = tokio::time::sleep_until(deadline) => Err(EdgeError::Died(EdgeDeath {
                reason: format!("{health} did not answer within {READY_PATIENCE:?}"),
                last_lines: self.output.last_lines(),
            })),
        }
    }

    /// Ends all its processes: politely, then by force. Comes back when its port is free again.
    pub async fn stop(mut self) {
        self.group.terminate();
        let deadline = Instant::now() + STOP_GRACE;
        // Whether it ended well is of no interest any more.
        let _ = timeout(STOP_GRACE, self.child.wait()).await;
        while self.group.has_members() && Instant::now() < deadline {
            sleep(POLL).await;
        }
        let deadline = Instant::now() + KILL_PATIENCE;
        self.group.kill();
        let _ = timeout(KILL_PATIENCE, self.child.wait()).await;
        while (self.group.has_members() || pick_port(self.port).is_err()) && Instant::now() < deadline {
            sleep(POLL).await;
        }
    }
}

impl Drop for Edge {
    /// For those who cannot wait: an interrupted start, a test that failed.
    fn drop(&mut self) {
        self.group.kill();
        let deadline = std::time::Instant::now() + KILL_PATIENCE;
        while self.group.has_members() && std::time::Instant::now() < deadline {
            std::thread::sleep(POLL);
        }
    }
}

fn words(status: ExitStatus) -> String {
    status.to_string().replace(": ", " ")
}
