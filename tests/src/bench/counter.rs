//! A shop's counter for measuring: a cashier in a branch of its own, who may also call a function directly.

use std::error::Error;
use std::time::{Duration, Instant};

use functions::accounts::users::NewUser;
use lambda_http::Body;
use lambda_http::http::{Method, Request};
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::ids::Room;
use protocol::role::Role;
use protocol::stamp::Stamp;
use protocol::wire::auth::LoginRequest;
use protocol::wire::{COST_HEADER, TOKEN_HEADER};
use serde_json::Value;

use crate::api::{Api, Units};
use crate::fleet;

const CLIENT: &str = "bench";

pub(super) struct Counter {
    pub(super) api: Api,
    pub(super) device: String,
    pub(super) room: Room,
    /// The body of its sign-in.
    pub(super) login: String,
}

/// What a function answered.
pub(super) struct Answer {
    /// How long the handler took.
    pub(super) took: Duration,
    pub(super) cost: Units,
    /// The last stamp of a push.
    pub(super) stamp: Stamp,
    /// All of it.
    pub(super) body: Value,
}

impl Counter {
    /// A cashier of the branch `branch`.
    pub(super) async fn open(stack: &Stack, branch: &str) -> Result<Counter, Box<dyn Error>> {
        Counter::at(stack, branch, branch).await
    }

    /// A cashier of the branch `branch` at the device `device`.
    pub(super) async fn at(stack: &Stack, branch: &str, device: &str) -> Result<Counter, Box<dyn Error>> {
        let (username, password) = (format!("{device}@{branch}"), fleet::batch_id());
        let room = Room { client: CLIENT.parse()?, branch: branch.parse()? };
        let new = NewUser {
            username: username.clone(),
            password: password.clone(),
            role: Role::Cashier,
            client_id: room.client.clone(),
            branch_id: Some(room.branch.clone()),
        };
        stack.accounts().create(new).await?;
        let login = LoginRequest { username, password, device_id: Some(device.parse()?) };
        let (api, _) = Api::new(stack.edge_url())?.login(&login).await?;
        let login = serde_json::to_string(&login)?;
        Ok(Counter { api, device: device.to_owned(), room, login })
    }

    /// Calls a function's handler, without edge or network between.
    pub(super) async fn call(
        &self,
        stack: &Stack,
        function: Function,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Answer, Box<dyn Error>> {
        let request = Request::builder().method(method).uri(path).header(TOKEN_HEADER, self.api.token());
        let request = request.body(Body::Text(body))?;
        let started = Instant::now();
        let answer = stack.handlers().call(function, request, fleet::now()).await;
        let took = started.elapsed();
        let body: Value = serde_json::from_slice(answer.body())?;
        if !answer.status().is_success() {
            return Err(format!("the function answered {}: {body}", answer.status()).into());
        }
        let cost = answer.headers().get(COST_HEADER).and_then(|cost| cost.to_str().ok()).unwrap_or_default();
        let stamp = body.get("answer").and_then(|answer| answer.get("stamp")).and_then(Value::as_u64);
        Ok(Answer { took, cost: Units::parse(cost), stamp: Stamp(stamp.unwrap_or_default()), body })
    }
}
