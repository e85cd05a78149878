//! Calls the script through a server and an engine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth::rate::decision::RateDecision;
use auth::rate::limit::Limit;
use auth::rate::script;
use protocol::timestamp::Timestamp;
use redis_client::script::Script;
use redis_rest::engine::{Engine, EngineKind};
use redis_rest::server::{Server, ServerOptions};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "full";
/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Limiter {
    pub(crate) server: Server,
    engine: Engine,
    http: reqwest::Client,
}

impl Limiter {
    pub(crate) async fn start(kind: Option<EngineKind>) -> Limiter {
        let engine = Engine::start(kind).await.unwrap();
        let server = Server::start(ServerOptions::new(engine.url(), TOKEN)).await.unwrap();
        let http = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build().unwrap();
        Limiter { server, engine, http }
    }

    /// The result of a command in JSON.
    pub(crate) async fn command(&self, command: &str) -> Value {
        let request = self.http.post(self.server.url()).bearer_auth(TOKEN).body(command.to_owned());
        let text = request.send().await.unwrap().text().await.unwrap();
        let mut response: Value = serde_json::from_str(&text).unwrap();
        assert!(response.get("error").is_none(), "{text}");
        response["result"].take()
    }

    pub(crate) async fn load_script(&self) {
        let sha1 = self.command(&json!(["SCRIPT", "LOAD", script::TEXT]).to_string()).await;
        assert_eq!(sha1, Script::once(script::TEXT).sha1());
    }

    /// The script's decision about `limits`, which are stored at the keys number `first` and following.
    pub(crate) async fn decide(&self, limits: &[Limit], first: usize, at: Timestamp) -> RateDecision {
        let keys = (first..first + limits.len()).map(|place| format!("k{place}"));
        let mut command = vec!["EVALSHA".to_owned(), Script::once(script::TEXT).sha1().to_owned()];
        command.push(limits.len().to_string());
        command.extend(keys.chain(script::arguments(limits, at)));
        let result = self.command(&json!(command).to_string()).await;
        let numbers: Vec<i64> = serde_json::from_value(result).unwrap();
        script::read(limits, &numbers).unwrap()
    }

    /// TTL of key number `place` in milliseconds; -1 if it has none, -2 if the key does not exist.
    pub(crate) async fn ttl(&self, place: usize) -> i64 {
        self.command(&format!(r#"["PTTL","k{place}"]"#)).await.as_i64().unwrap()
    }

    pub(crate) async fn stop(self) {
        self.server.stop().await;
        self.engine.stop().await;
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_micros()).unwrap())
}

/// The seed in `SEED`, or a random one.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").ok().map_or_else(|| fastrand::u64(..), |text| text.parse().unwrap())
}
