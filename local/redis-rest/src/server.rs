//! The HTTP server in front of an engine.
//!
//! In reading order: `handler` takes a request, `execute` runs its commands, `response` builds responses,
//! `stream` those that do not end.

use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::handler::Handler;
use axum::serve::IncomingStream;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

mod execute;
mod handler;
mod response;
mod script_deadline;
mod stream;

use crate::access::{ReadOnlyCommands, read_only_user};
use crate::connection::Pool;
use crate::counts::Counts;
use crate::faults::Faults;
use crate::monitor::Monitor;
use crate::redis_url::{RedisUrl, RedisUrlError};
use crate::script::Scripts;

/// Limit of a request body and of a reply on the service's smallest plan: 10 MB.
pub const REQUEST_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How long a script may run. The service's limit is not documented.
pub const SCRIPT_DEADLINE: Duration = Duration::from_secs(5);
/// How long the engine may take: longer than a script may run, and the engine takes to end it.
pub const ENGINE_DEADLINE: Duration = Duration::from_secs(10);

/// Options of a server. Has no `Debug`, since it holds tokens.
#[derive(Clone)]
pub struct ServerOptions {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The engine: `redis://[user:password@]host[:port][/database]`.
    pub redis_url: String,
    /// Token that permits every command.
    pub token: String,
    /// Token that permits only read commands, if there is to be one.
    pub read_only_token: Option<String>,
    /// Limit of a request body and of a reply, in bytes.
    pub request_bytes_max: usize,
    /// How long the engine may take for one request before the client gets status 503.
    pub engine_deadline: Duration,
    /// How long a script may run before it is ended.
    pub script_deadline: Duration,
    /// Notified of a script that cannot be ended, because it has written: see
    /// [`Engine::unkillable_script`](crate::engine::Engine::unkillable_script).
    pub unkillable_script: Option<Arc<Notify>>,
    /// Whether to count the commands that scripts run. It makes scripts slower and changes nothing else.
    pub bill_scripts: bool,
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The engine's address is invalid.
    #[error(transparent)]
    Url(#[from] RedisUrlError),
    /// The address cannot be listened on.
    #[error("failed to listen on {address}: {source}")]
    Listen {
        /// Address to listen on.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// An empty token would permit everything to everyone.
    #[error("failed to start the server: a token must not be empty")]
    EmptyToken,
    /// With equal tokens the read-only one would permit everything.
    #[error("failed to start the server: the two tokens must differ")]
    EqualTokens,
}

/// A running server. Stops when it is dropped.
pub struct Server {
    url: String,
    context: Arc<Context>,
    serving: JoinHandle<std::io::Result<()>>,
    stop: DropGuard,
}

/// Shared by all requests.
struct Context {
    pool: Pool,
    options: ServerOptions,
    /// For the scripts of the read-only token.
    read_only_pool: Pool,
    /// Learnt from the engine when first needed.
    read_only: OnceCell<ReadOnlyCommands>,
    /// Name and version of the engine. Likewise.
    engine_name: OnceCell<String>,
    scripts: Scripts,
    monitor: Monitor,
    counts: Mutex<Counts>,
    faults: Faults,
    /// The last `upstash-sync-token`: the number of executed requests.
    executed: AtomicU64,
    /// Cancelled when the server stops.
    stopped: CancellationToken,
}

impl ServerOptions {
    /// A free port of loopback, one token, and the service's limits.
    pub fn new(redis_url: &str, token: &str) -> ServerOptions {
        ServerOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            redis_url: redis_url.to_owned(),
            token: token.to_owned(),
            read_only_token: None,
            request_bytes_max: REQUEST_BYTES_MAX,
            engine_deadline: ENGINE_DEADLINE,
            script_deadline: SCRIPT_DEADLINE,
            unkillable_script: None,
            bill_scripts: true,
        }
    }
}

impl Server {
    /// Starts to listen. The engine may start later: until then, requests get status 503.
    ///
    /// # Errors
    ///
    /// [`ServerError`] if an option is invalid or the address is taken.
    pub async fn start(options: ServerOptions) -> Result<Server, ServerError> {
        let redis_url = RedisUrl::parse(&options.redis_url)?;
        if options.token.is_empty() || options.read_only_token.as_ref().is_some_and(String::is_empty) {
            return Err(ServerError::EmptyToken);
        }
        let read_only_token = options.read_only_token.as_deref().unwrap_or_default();
        if options.token == read_only_token {
            return Err(ServerError::EqualTokens);
        }
        let read_only_url = read_only_user(&redis_url, &options.token, read_only_token);
        let fail = |source| ServerError::Listen { address: options.listen, source };
        let listener = TcpListener::bind(options.listen).await.map_err(fail)?;
        let url = format!("http://{}", listener.local_addr().map_err(fail)?);
        let stopped = CancellationToken::new();
        let context = Arc::new(Context {
            read_only_pool: Pool::new(read_only_url, options.engine_deadline),
            pool: Pool::new(redis_url, options.engine_deadline),
            options,
            read_only: OnceCell::new(),
            engine_name: OnceCell::new(),
            scripts: Scripts::default(),
            monitor: Monitor::default(),
            counts: Mutex::default(),
            faults: Faults::default(),
            executed: AtomicU64::new(0),
            stopped: stopped.clone(),
        });
        let service = handler::handle.with_state(Arc::clone(&context));
        let serve = axum::serve(listener, service.into_make_service_with_connect_info::<Client>())
            .with_graceful_shutdown(stopped.clone().cancelled_owned());
        let serving = tokio::spawn(serve.into_future());
        Ok(Server { url, context, serving, stop: stopped.drop_guard() })
    }

    /// The base URL, without a trailing slash: `UPSTASH_REDIS_REST_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has served so far.
    pub fn counts(&self) -> Counts {
        *self.context.lock_counts()
    }

    /// Injects faults.
    pub fn faults(&self) -> &Faults {
        &self.context.faults
    }

    /// Stops listening and closes every connection.
    pub async fn stop(self) {
        drop(self.stop);
        self.serving.abort();
        // Ends as "cancelled".
        let _ = self.serving.await;
    }
}

impl Context {
    fn count(&self, commands: usize, billed: u64) {
        let mut counts = self.lock_counts();
        counts.commands += u64::try_from(commands).unwrap_or(u64::MAX);
        counts.billed += billed;
    }

    fn lock_counts(&self) -> MutexGuard<'_, Counts> {
        // No code under the lock can panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The socket of a client's connection, duplicated: a handler can close it without a response, and while the
/// HTTP server waits for a client that does not read.
#[derive(Clone)]
struct Client(Option<Arc<std::net::TcpStream>>);

impl Connected<IncomingStream<'_, TcpListener>> for Client {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Client {
        // Small responses must not wait for more to come.
        let _ = stream.io().set_nodelay(true);
        let socket = stream.io().as_fd().try_clone_to_owned();
        Client(socket.ok().map(|socket| Arc::new(socket.into())))
    }
}

impl Client {
    fn disconnect(&self) {
        if let Some(socket) = &self.0 {
            // An error means that the client has closed it.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}
