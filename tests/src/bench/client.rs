//! A client for measurements: a cashier who can also call a function directly.

use std::error::Error;
use std::time::{Duration, Instant};

use lambda_http::Body;
use lambda_http::http::{Method, Request};
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::ids::Room;
use protocol::stamp::Stamp;
use protocol::wire::{COST_HEADER, TOKEN_HEADER};
use serde_json::{Value, json};

use super::product;
use crate::api::{Api, Units};
use crate::fleet;

pub(super) const CLIENT: &str = "bench";

/// A signed-in cashier at a device.
pub(super) struct BenchClient {
    pub(super) api: Api,
    pub(super) device: String,
    pub(super) room: Room,
    /// The body of its sign-in.
    pub(super) login: String,
}

/// The response of a function.
pub(super) struct DirectResponse {
    /// The time in the handler.
    pub(super) took: Duration,
    pub(super) cost: Units,
    /// The room's stamp after a push.
    pub(super) stamp: Stamp,
    pub(super) body: Value,
}

impl BenchClient {
    /// A cashier of `branch` at `device`.
    pub(super) async fn open(
        stack: &Stack,
        branch: &str,
        device: &str,
    ) -> Result<BenchClient, Box<dyn Error>> {
        let room = Room { client: CLIENT.parse()?, branch: branch.parse()? };
        let login = fleet::cashier(&stack.accounts(), &stack.branches(), &room, device).await?;
        let (api, _) = Api::new(stack.edge_url())?.login(&login).await?;
        let login = serde_json::to_string(&login)?;
        Ok(BenchClient { api, device: device.to_owned(), room, login })
    }

    /// Calls the handler of a function without edge and network.
    pub(super) async fn call(
        &self,
        stack: &Stack,
        function: Function,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<DirectResponse, Box<dyn Error>> {
        let request = Request::builder().method(method).uri(path).header(TOKEN_HEADER, self.api.token());
        let request = request.body(Body::Text(body))?;
        let started = Instant::now();
        let response = stack.handlers().call(function, request, fleet::now()).await;
        let took = started.elapsed();
        let body: Value = serde_json::from_slice(response.body())?;
        if !response.status().is_success() {
            return Err(format!("the function answered {}: {body}", response.status()).into());
        }
        let cost = response.headers().get(COST_HEADER).and_then(|cost| cost.to_str().ok());
        let cost = Units::parse(cost.unwrap_or_default());
        let stamp = body.get("answer").and_then(|answer| answer.get("stamp")).and_then(Value::as_u64);
        Ok(DirectResponse { took, cost, stamp: Stamp(stamp.unwrap_or_default()), body })
    }

    /// Reads `path` from a function.
    pub(super) async fn get(
        &self,
        stack: &Stack,
        function: Function,
        path: &str,
    ) -> Result<DirectResponse, Box<dyn Error>> {
        self.call(stack, function, Method::GET, path, String::new()).await
    }

    /// Pushes a batch to the function.
    pub(super) async fn push(&self, stack: &Stack, body: String) -> Result<DirectResponse, Box<dyn Error>> {
        self.call(stack, Function::BatchPush, Method::POST, "/pushBatch", body).await
    }

    /// Pushes one product to the function. Returns the room's stamp.
    pub(super) async fn push_product(&self, stack: &Stack, id: &str) -> Result<Stamp, Box<dyn Error>> {
        let body = json!({ "device_id": self.device, "records": [product(id, 0)] }).to_string();
        Ok(self.push(stack, body).await?.stamp)
    }
}
