//! Redis over REST on this machine: a real Redis, and our front over it that speaks as Upstash does.

use config::Secret;
use redis_rest::engine::{Engine, EngineChoice, EngineError};
use redis_rest::server::{Server, ServerError, ServerOptions};

/// Why there is no Redis.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The server did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The front did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// A Redis and its front, running.
pub struct Redis {
    engine: Engine,
    server: Server,
}

impl Redis {
    /// Starts both, on free ports of this machine alone; `token` lets callers in.
    pub async fn start(token: &Secret) -> Result<Redis, RedisError> {
        let engine = Engine::start(EngineChoice::Any).await?;
        let server = Server::start(ServerOptions::new(engine.url(), token.expose())).await?;
        Ok(Redis { engine, server })
    }

    /// Where its REST API is, without a trailing slash.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The server, to be killed and started again.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The front, which counts what it serves and goes wrong when asked to.
    pub fn front(&self) -> &Server {
        &self.server
    }

    /// Stops the server. The front goes with the last who holds it.
    pub(crate) async fn stop(&self) {
        self.engine.kill().await;
    }
}
