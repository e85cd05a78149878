//! An engine, a front over it, and the script called through them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth::rate::decision::RateDecision;
use auth::rate::limit::Limit;
use auth::rate::script;
use protocol::timestamp::Timestamp;
use redis_client::script::Script;
use redis_rest::engine::{Engine, EngineChoice};
use redis_rest::front::{Front, FrontOptions};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "full";
/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Street {
    pub(crate) front: Front,
    engine: Engine,
    http: reqwest::Client,
}

impl Street {
    pub(crate) async fn start(choice: EngineChoice) -> Street {
        let engine = Engine::start(choice).await.unwrap();
        let front = Front::start(FrontOptions::new(engine.url(), TOKEN)).await.unwrap();
        let http = reqwest::Client::builder().timeout(DEADLINE).no_proxy().build().unwrap();
        Street { front, engine, http }
    }

    /// What a command, given as JSON, is answered with.
    pub(crate) async fn command(&self, command: &str) -> Value {
        let request = self.http.post(self.front.url()).bearer_auth(TOKEN).body(command.to_owned());
        let text = request.send().await.unwrap().text().await.unwrap();
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer.get("error").is_none(), "{text}");
        answer["result"].take()
    }

    pub(crate) async fn load_script(&self) {
        let sha1 = self.command(&json!(["SCRIPT", "LOAD", script::TEXT]).to_string()).await;
        assert_eq!(sha1, Script::once(script::TEXT).sha1());
    }

    /// The script's decision about `limits`, of which the first is kept at key number `first`.
    pub(crate) async fn decide(&self, limits: &[Limit], first: usize, at: Timestamp) -> RateDecision {
        let keys = (first..first + limits.len()).map(|place| format!("k{place}"));
        let mut command = vec!["EVALSHA".to_owned(), Script::once(script::TEXT).sha1().to_owned()];
        command.push(limits.len().to_string());
        command.extend(keys.chain(script::arguments(limits, at)));
        let answer = self.command(&json!(command).to_string()).await;
        let numbers: Vec<i64> = serde_json::from_value(answer).unwrap();
        script::read(limits, &numbers).unwrap()
    }

    /// Milliseconds that key number `place` has to live; -1 if for ever, -2 if it is gone.
    pub(crate) async fn life(&self, place: usize) -> i64 {
        self.command(&format!(r#"["PTTL","k{place}"]"#)).await.as_i64().unwrap()
    }

    pub(crate) async fn stop(self) {
        self.front.stop().await;
        self.engine.stop().await;
    }
}

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since.as_micros()).unwrap())
}

/// The seed that `SEED` says, or any.
pub(crate) fn seed() -> u64 {
    std::env::var("SEED").ok().map_or_else(|| fastrand::u64(..), |text| text.parse().unwrap())
}
