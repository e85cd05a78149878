//! A stack with a fake edge.

use functions::accounts::NewUser;
use protocol::role::Role;
use reqwest::Response;
use serde_json::{Value, json};

use super::fake_edge::FakeEdge;
use super::signed;
use crate::stack::*;

pub(super) struct Street {
    pub(super) host: FunctionHost,
    pub(super) dynamo: Dynamo,
    pub(super) edge: FakeEdge,
    redis: Redis,
    handlers: Arc<Handlers>,
    stream: Option<Streams>,
    keys: Keys,
    data: DataDir,
}

impl Street {
    pub(super) async fn start() -> Street {
        let template = Template::read(&project::root()).unwrap();
        let data = DataDir::temporary().unwrap();
        let keys = Keys::load_or_make(data.path()).unwrap();
        let dynamo = Dynamo::start(None, &template.tables).unwrap();
        let edge = FakeEdge::start(keys.publish_secret.clone()).await;
        let redis = Redis::start(&keys.redis_token).await.unwrap();
        let settings = settings::functions(&keys, edge.port(), redis.url(), None);
        let handlers = Arc::new(Handlers::new(&template, &dynamo, &settings).unwrap());
        let (port, caller) = (Port::bind().await.unwrap(), keys.caller.clone());
        let host = FunctionHost::start(port, Arc::clone(&handlers), caller, Clock::default());
        let mut street = Street { host, dynamo, edge, redis, handlers, stream: None, keys, data };
        street.start_stream();
        street
    }

    pub(super) fn start_stream(&mut self) {
        let mut template = Template::read(&project::root()).unwrap();
        let sources = handlers::take_sources(&mut template).unwrap();
        let streams = Streams::start(&self.dynamo.database(), sources, &self.handlers, self.data.path());
        self.stream = Some(streams.unwrap());
    }

    pub(super) async fn without_stream(mut self) -> Street {
        self.stream.take().unwrap().stop().await;
        self
    }

    pub(super) fn stream(&self) -> &StreamSwitch {
        self.stream.as_ref().unwrap().switch()
    }

    /// A signed call, with an access token if it is not empty; `None` if nobody answers.
    pub(super) async fn call(
        &self,
        method: &str,
        target: &str,
        token: &str,
        body: Vec<u8>,
    ) -> Option<Response> {
        let request = signed::request(&self.keys.caller, method, self.host.url(), target, token, body);
        reqwest::Client::builder().no_proxy().build().unwrap().execute(request).await.ok()
    }

    /// The access token of a new cashier of `client`.
    pub(super) async fn sign_in(&self, client: &str) -> String {
        let accounts = Accounts::new(self.dynamo.client(Identity::Owner), "AccountsTable".into());
        let user = NewUser {
            username: format!("till-of-{client}"),
            password: "pass".into(),
            role: Role::Cashier,
            client_id: client.parse().unwrap(),
            branch_id: Some("b".parse().unwrap()),
        };
        accounts.create(user).await.unwrap();
        let login = json!({ "username": format!("till-of-{client}"), "password": "pass" });
        let body = login.to_string().into_bytes();
        let answer = self.call("POST", "/auth/api/auth/login", "", body).await.unwrap();
        let session: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        session["accessToken"].as_str().unwrap().to_owned()
    }

    /// What `batch-push` answers to `batch`; `None` if it does not.
    pub(super) async fn push(&self, token: &str, batch: &Value) -> Option<Value> {
        let body = batch.to_string().into_bytes();
        let answer = self.call("POST", "/batch-push/api/sync/batch-push", token, body).await?;
        let text = answer.text().await.unwrap();
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Stops it. No role may have been too narrow for what was done.
    pub(super) async fn stop(self) {
        assert_eq!(self.dynamo.faults().denied(), [""; 0]);
        if let Some(stream) = self.stream {
            stream.stop().await;
        }
        self.host.stop().await;
        self.dynamo.stop().await;
        self.redis.stop().await;
    }
}
