//! Function URLs with `AuthType: AWS_IAM`, all on one port: `/<function>/…` stands for the host name that
//! AWS gives each function.
//!
//! In reading order: `serve` handles one request, `sigv4` verifies its signature, `invocation` converts it to
//! a Lambda event, `faults` is what tests inject.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub mod faults;

mod invocation;
mod serve;
pub(crate) mod sigv4;

use faults::HostFaults;

use crate::handlers::Handlers;
use crate::keys::Caller;

/// What Lambda takes in one call: 6 MB.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// How long requests in progress may take to end.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// The functions behind their URLs.
pub struct FunctionHost {
    url: String,
    faults: HostFaults,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

/// What every request needs.
struct Context {
    handlers: Arc<Handlers>,
    caller: Caller,
    faults: HostFaults,
}

/// A bound port without functions yet: the edge needs the functions' address before it starts, and the
/// functions need the edge's.
pub struct Port(TcpListener, String);

impl Port {
    /// Binds a free port.
    pub async fn bind() -> std::io::Result<Port> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        Ok(Port(listener, url))
    }

    /// The base URL of the functions, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.1
    }
}

impl FunctionHost {
    /// Serves `handlers` to requests that `caller` has signed.
    pub fn start(port: Port, handlers: Arc<Handlers>, caller: Caller) -> FunctionHost {
        let Port(listener, url) = port;
        let faults = HostFaults::default();
        let context = Arc::new(Context { handlers, caller, faults: faults.clone() });
        let limit = DefaultBodyLimit::max(BODY_BYTES_MAX);
        let app = Router::new().fallback(serve::handle).layer(limit).with_state(context);
        let listener = listener.tap_io(|stream| {
            // Small responses must not wait for more data. An error means that the caller has gone.
            let _ = stream.set_nodelay(true);
        });
        let (stop, stopping) = oneshot::channel::<()>();
        let serving = axum::serve(listener, app).with_graceful_shutdown(async {
            // The sender never sends: to drop it means "stop".
            let _ = stopping.await;
        });
        FunctionHost { url, faults, stop, server: tokio::spawn(serving.into_future()) }
    }

    /// The base URL of the functions, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Faults between the edge and the functions.
    pub fn faults(&self) -> &HostFaults {
        &self.faults
    }

    /// Stops listening and closes the connections.
    pub async fn stop(self) {
        drop(self.stop);
        // A function that still runs after that ends with the process.
        let _ = timeout(STOP_PATIENCE, self.server).await;
    }
}
