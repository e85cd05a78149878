//! A stack with a fake edge.

use axum::http::Request;
use functions::accounts::users::NewUser;
use protocol::role::Role;
use reqwest::Response;
use serde_json::{Value, json};

use super::fake_edge::FakeEdge;
use crate::function_host::sigv4::signing::sign_request;
use crate::stack::*;

pub(super) struct Fixture {
    pub(super) host: FunctionHost,
    pub(super) dynamo: Dynamo,
    pub(super) edge: FakeEdge,
    redis: Redis,
    handlers: Arc<Handlers>,
    stream: Option<Streams>,
    keys: Keys,
    data: DataDir,
}

impl Fixture {
    pub(super) async fn start() -> Fixture {
        let template = Template::read(&project_root()).unwrap();
        let data = DataDir::temporary().unwrap();
        let keys = Keys::load_or_make(data.path()).unwrap();
        let dynamo = Dynamo::start(None, &template.tables).unwrap();
        let edge = FakeEdge::start(keys.publish_secret.clone()).await;
        let redis = Redis::start(&keys.redis_token).await.unwrap();
        let settings = settings::functions(&keys, edge.port(), redis.url(), None);
        let handlers = Handlers::new(&template, &dynamo, &settings, Telemetry::default());
        let handlers = Arc::new(handlers.unwrap());
        let (port, caller) = (Port::bind().await.unwrap(), keys.caller.clone());
        let host = FunctionHost::start(port, Arc::clone(&handlers), caller);
        let mut fixture = Fixture { host, dynamo, edge, redis, handlers, stream: None, keys, data };
        fixture.start_stream();
        fixture
    }

    pub(super) fn start_stream(&mut self) {
        let mut template = Template::read(&project_root()).unwrap();
        let sources = handlers::take_sources(&mut template).unwrap();
        let streams = Streams::start(self.dynamo.database(), sources, &self.handlers, self.data.path());
        self.stream = Some(streams.unwrap());
    }

    pub(super) async fn without_stream(mut self) -> Fixture {
        self.stream.take().unwrap().stop().await;
        self
    }

    pub(super) fn stream(&self) -> &StreamSwitch {
        self.stream.as_ref().unwrap().switch()
    }

    /// Sends a signed request, with an access token unless it is empty; `None` if there is no response.
    pub(super) async fn call(
        &self,
        method: &str,
        target: &str,
        token: &str,
        body: Vec<u8>,
    ) -> Option<Response> {
        let request = Request::builder().method(method).uri(format!("{}{target}", self.host.url()));
        let mut request = request.header("content-type", "application/json").header("x-request-id", "r1");
        if !token.is_empty() {
            request = request.header("x-tillsync-token", token);
        }
        let request = request.body(body).unwrap();
        let request = sign_request(request, &self.keys.caller, "lambda", functions::start::now());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.execute(request.try_into().unwrap()).await.ok()
    }

    /// The access token of a new cashier of `client`.
    pub(super) async fn sign_in(&self, client: &str) -> String {
        let owner = || self.dynamo.client(Identity::Owner);
        let accounts = Accounts::new(owner(), "AccountsTable".into());
        let branches = Branches::new(owner(), "SyncTable".into());
        branches.create(&format!("{client}:b").parse().unwrap(), functions::start::now()).await.unwrap();
        let user = NewUser {
            username: format!("till-of-{client}"),
            password: "pass".into(),
            role: Role::Cashier,
            client_id: client.parse().unwrap(),
            branch_id: Some("b".parse().unwrap()),
        };
        accounts.create(&branches, user).await.unwrap();
        let login = json!({ "username": format!("till-of-{client}"), "password": "pass" });
        let body = login.to_string().into_bytes();
        let response = self.call("POST", "/auth/logIn", "", body).await.unwrap();
        let session: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        session["accessToken"].as_str().unwrap().to_owned()
    }

    /// The response to a push of `batch`; `None` if there is none.
    pub(super) async fn push(&self, token: &str, batch: &Value) -> Option<Value> {
        let body = batch.to_string().into_bytes();
        let response = self.call("POST", "/batch-push/pushBatch", token, body).await?;
        let text = response.text().await.unwrap();
        Some(serde_json::from_str(&text).unwrap())
    }

    /// Stops the stack, and asserts that every role allowed what its function did.
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
