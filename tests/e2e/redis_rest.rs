//! Redis of a stack over its REST API, past edge and functions.

use local::keys::Keys;
use local::redis::Redis;
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct RedisRest {
    url: String,
    token: String,
}

impl RedisRest {
    pub(crate) fn new(redis: &Redis, keys: &Keys) -> RedisRest {
        RedisRest { url: redis.url().to_owned(), token: keys.redis_token.expose().to_owned() }
    }

    /// Sends a command. Returns its result.
    pub(crate) async fn command(&self, command: &[&str]) -> Value {
        self.post("", &json!(command)).await["result"].clone()
    }

    /// Sends commands. Returns their results and errors.
    pub(crate) async fn pipeline(&self, commands: &[Value]) -> Value {
        self.post("/pipeline", &json!(commands)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.token).body(body.to_string());
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    }
}
