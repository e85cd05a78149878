//! The HTTP server over an engine.
//!
//! In reading order: `serve` is one request's way, `execute` what becomes of its commands, `stream` the
//! answers that do not end, `answer` the others.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OnceCell};
use tokio::task::{JoinHandle, JoinSet};

mod answer;
mod execute;
mod serve;
mod stream;

use crate::access::{ReadOnlyCommands, Tokens};
use crate::counts::{Counters, Counts};
use crate::faults::Faults;
use crate::metering::Metering;
use crate::monitor::Monitor;
use crate::pool::Pool;
use crate::redis_url::{RedisUrl, RedisUrlError};
use crate::script::Scripts;

/// What the service's smallest plan takes in one request, and gives in one reply: 10 MB.
pub const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How long the engine may take: longer than its own limit for scripts, five seconds.
pub const ENGINE_DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait before the next try to accept a connection, after one that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a front is to be. Has no `Debug`, since it holds tokens.
#[derive(Clone)]
pub struct FrontOptions {
    /// Where to listen; a free port of loopback unless told otherwise.
    pub listen: SocketAddr,
    /// The Redis: `redis://[user:password@]host[:port][/database]`.
    pub redis_url: String,
    /// The token that permits everything.
    pub token: String,
    /// The token that only permits to read, if there is to be one.
    pub read_only_token: Option<String>,
    /// The largest request body and the largest reply, in bytes.
    pub request_bytes_max: usize,
    /// How long the engine may take for one request, before the client is told that it is out of reach.
    pub engine_deadline: Duration,
    /// Whether the commands that scripts run are counted. It makes scripts slower and nothing else.
    pub bill_scripts: bool,
}

/// Why there is no front.
#[derive(Debug, Error)]
pub enum FrontError {
    /// The engine's address is none.
    #[error(transparent)]
    Url(#[from] RedisUrlError),
    /// The port cannot be had.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Everybody would have it.
    #[error("failed to start the front: a token must not be empty")]
    EmptyToken,
}

/// A running front; it ends when it is stopped or dropped.
pub struct Front {
    url: String,
    context: Arc<Context>,
    accepting: JoinHandle<()>,
}

/// What every request needs.
struct Context {
    tokens: Tokens,
    pool: Pool,
    request_bytes_max: usize,
    bill_scripts: bool,
    /// Asked of the engine when it is needed first.
    metering: OnceCell<Metering>,
    /// Likewise.
    read_only: OnceCell<ReadOnlyCommands>,
    scripts: Scripts,
    monitor: Monitor,
    counters: Counters,
    faults: Faults,
    /// What `upstash-sync-token` tells: one more for each request that was executed.
    executed: AtomicU64,
}

impl FrontOptions {
    /// On a free port of loopback, with one token and the service's limits.
    pub fn new(redis_url: &str, token: &str) -> FrontOptions {
        FrontOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            redis_url: redis_url.to_owned(),
            token: token.to_owned(),
            read_only_token: None,
            request_bytes_max: REQUEST_BYTES_MAX,
            engine_deadline: ENGINE_DEADLINE,
            bill_scripts: true,
        }
    }
}

impl Front {
    /// Listens. The engine need not be there yet: requests are answered by an error until it is.
    ///
    /// # Errors
    ///
    /// [`FrontError`] where the options are wrong, or the port cannot be had.
    pub async fn start(options: FrontOptions) -> Result<Front, FrontError> {
        let redis_url = RedisUrl::parse(&options.redis_url)?;
        let tokens = Tokens { full: options.token, read_only: options.read_only_token };
        if tokens.full.is_empty() || tokens.read_only.as_ref().is_some_and(String::is_empty) {
            return Err(FrontError::EmptyToken);
        }
        let fail = |source| FrontError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(fail)?;
        let url = format!("http://{}", listener.local_addr().map_err(fail)?);
        let context = Arc::new(Context {
            tokens,
            pool: Pool::new(redis_url, options.engine_deadline),
            request_bytes_max: options.request_bytes_max,
            bill_scripts: options.bill_scripts,
            metering: OnceCell::new(),
            read_only: OnceCell::new(),
            scripts: Scripts::default(),
            monitor: Monitor::default(),
            counters: Counters::default(),
            faults: Faults::default(),
            executed: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&context)));
        Ok(Front { url, context, accepting })
    }

    /// Where it is, without a trailing slash: `UPSTASH_REDIS_REST_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has served so far.
    pub fn counts(&self) -> Counts {
        self.context.counters.read()
    }

    /// What can go wrong on the way to it.
    pub fn faults(&self) -> &Faults {
        &self.context.faults
    }

    /// Stops listening and drops every connection.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // It ends as "cancelled", which is what was asked for.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, context: Arc<Context>) {
    // Dropped together with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, Arc::clone(&context)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                // Too many open files, most likely: some will be closed in a while.
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, context: Arc<Context>) {
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    // A client that does not read its events leaves hyper waiting; this ends the connection all the same.
    let hang_up = Arc::new(Notify::new());
    let service = service_fn(|request| serve::answer(&context, &hang_up, request));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // An error is a client that went away, or a fault that a test asked for.
        _ = serving => {}
        () = hang_up.notified() => {}
    }
}
