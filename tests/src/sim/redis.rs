//! Redis: one real engine for all runs of a process, behind the REST server of the local stack. Each run has
//! keys of its own.
//!
//! A run blocks its thread until the engine responds, so no virtual time passes and a seed replays. The
//! engine's clock is the real one and a run's is virtual, so no key may expire by itself: `commands`
//! stretches every time to live, and keys are removed at moments that the seed chooses, as Redis may do.

pub(crate) mod commands;
pub(crate) mod network;
pub(crate) mod random;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use config::Secret;
use functions::redis::RedisHttp;
use local::redis::Redis;
use redis_client::arguments::Arguments;
use redis_client::budget::Budget;
use redis_client::client::Client;
use redis_client::command::Command;
use redis_client::transport::{HttpRequest, HttpResponse, Transport, TransportError};
use tokio::runtime::{Builder, Runtime};
use tokio::task::coop::unconstrained;

use super::SimError;

/// How long the engine may take, in real time. It takes a fraction of a millisecond, unless the machine is
/// busy.
const DEADLINE: Duration = Duration::from_secs(60);

/// Attempts to connect, whose time-out is short, and the pause between them.
const CONNECTS_MAX: u32 = 20;
const CONNECT_PAUSE: Duration = Duration::from_millis(100);

/// The engine and its server. Both end when this value is dropped.
pub(crate) struct RedisServer {
    http: RedisHttp,
    /// For commands that no function sends.
    client: Client<RedisHttp>,
    pub(crate) token: Secret,
    // Dropped in this order: the engine, then what runs its connections by the real clock.
    _redis: Redis,
    runtime: Runtime,
}

impl RedisServer {
    pub(crate) fn start() -> Result<RedisServer, SimError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let token = Secret::new("simulation".to_owned());
        let redis = runtime.block_on(Redis::start(&token))?;
        let http = RedisHttp::new(redis.url().parse()?)?;
        let client = Client::new(http.clone(), token.clone(), random::fill);
        let client = client.within(Budget { per_try: DEADLINE, total: DEADLINE });
        Ok(RedisServer { http, client, token, _redis: redis, runtime })
    }

    /// Sends a request of a function and blocks until the response is there.
    fn exchange(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        for _ in 1..CONNECTS_MAX {
            match self.wait_for(self.http.exchange(request, DEADLINE)) {
                Err(TransportError::NeverArrived(_)) => thread::sleep(CONNECT_PAUSE),
                other => return other,
            }
        }
        self.wait_for(self.http.exchange(request, DEADLINE))
    }

    /// Runs one command. Returns whether the engine responded.
    fn run(&self, words: &[String]) -> bool {
        let Some((name, rest)) = words.split_first() else { return true };
        let arguments = rest.iter().fold(Arguments::new(name), Arguments::with);
        self.wait_for(self.client.run(&Command::once(arguments, |_| Ok(())))).is_ok()
    }

    fn wait_for<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.runtime.enter();
        // The budget of the task that runs now would never be renewed while it blocks.
        let mut future = pin!(unconstrained(future));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
