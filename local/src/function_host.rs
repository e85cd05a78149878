//! Function URLs with `AuthType: AWS_IAM`, on one port: `/<function>/…` is what a host name of its own is
//! in AWS.
//!
//! In reading order: `serve` is one request's way, `sigv4` its first gate, `faults` what tests use to
//! make things go wrong.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub mod faults;

mod invocation;
mod serve;
mod sigv4;

use faults::HostFaults;

use crate::clock::Clock;
use crate::handlers::Handlers;
use crate::keys::Caller;

/// How long to wait before the next try to accept a connection, after one that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The functions behind their URLs.
pub struct FunctionHost {
    url: String,
    faults: HostFaults,
    accepting: JoinHandle<()>,
}

/// What every request needs.
struct Context {
    handlers: Arc<Handlers>,
    caller: Caller,
    clock: Clock,
    faults: HostFaults,
}

/// A bound port, before there are functions: the edge is told the address before it starts, and the
/// functions are told the edge's.
pub struct Port(TcpListener, String);

impl Port {
    /// Takes a free port.
    pub async fn bind() -> std::io::Result<Port> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Port(listener, url))
    }

    /// Where the functions will be, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.1
    }
}

impl FunctionHost {
    /// Serves `handlers` to whoever signs as `caller`.
    pub fn start(port: Port, handlers: Arc<Handlers>, caller: Caller, clock: Clock) -> FunctionHost {
        let Port(listener, url) = port;
        let faults = HostFaults::default();
        let context = Arc::new(Context { handlers, caller, clock, faults: faults.clone() });
        FunctionHost { url, faults, accepting: tokio::spawn(accept(listener, context)) }
    }

    /// Where the functions are, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What can go wrong between the edge and a function.
    pub fn faults(&self) -> &HostFaults {
        &self.faults
    }

    /// Stops listening and drops every connection.
    pub async fn stop(self) {
        self.accepting.abort();
        // It ends as "cancelled", which is what was asked for.
        let _ = self.accepting.await;
    }
}

async fn accept(listener: TcpListener, context: Arc<Context>) {
    // Dropped together with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                // Too many open files, most likely: some will be closed in a while.
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let context = Arc::clone(&context);
        connections.spawn(async move {
            // Small answers must not wait for more to come.
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| serve::answer(&context, request));
            // An error is a caller that went away, or a fault that a test asked for.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
