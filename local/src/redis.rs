//! Redis over REST on this machine: a real Redis behind a server with the REST API of Upstash.

use config::Secret;
use redis_rest::engine::{Engine, EngineError};
use redis_rest::server::{Server, ServerError, ServerOptions};

/// Why Redis did not start.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The Redis server did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The REST server did not start.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// A running Redis with its REST server.
pub struct Redis {
    engine: Engine,
    server: Server,
}

impl Redis {
    /// Starts both on free ports of this machine. Requests to the REST API need `token`.
    pub async fn start(token: &Secret) -> Result<Redis, RedisError> {
        let engine = Engine::start(None).await?;
        let options = ServerOptions {
            unkillable_script: Some(engine.unkillable_script()),
            ..ServerOptions::new(engine.url(), token.expose())
        };
        let server = Server::start(options).await?;
        Ok(Redis { engine, server })
    }

    /// The base URL of the REST API, without a trailing slash.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// The Redis server, which tests kill and restart.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The REST server, which counts requests and injects faults.
    pub fn front(&self) -> &Server {
        &self.server
    }

    /// Stops the Redis server. The REST server stops when this value is dropped.
    pub(crate) async fn stop(&self) {
        self.engine.kill().await;
    }
}
