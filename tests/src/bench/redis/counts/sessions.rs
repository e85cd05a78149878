//! Sessions and rate limits: what the functions write, and what the edge reads for each request.

use std::error::Error;

use lambda_http::http::Method;
use protocol::endpoints::function::Function;
use protocol::wire::auth::LoginRequest;
use serde_json::{Value, json};

use super::{Table, counts};
use crate::api::{Api, Reply};
use crate::bench::client::BenchClient;

/// A rate-limited path. Its function refuses a cashier without a Redis command.
const LIMITED: &str = "/api/cache/report";
/// A path without a rate limit. Its function does not use Redis.
const SYNC: &str = "/api/sync/pull-changes";

pub(super) async fn measure(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    sessions(table).await?;
    admission(table).await?;
    sign_in(table).await
}

async fn sessions(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let stack = table.stack;
    let client = BenchClient::open(stack, "sessions", "sessions").await?;
    let mut token = Value::Null;
    let begin = async |_| {
        let login = client.login.clone();
        let response = client.call(stack, Function::Auth, Method::POST, "/logIn", login).await?;
        token = response.body.get("refreshToken").cloned().unwrap_or_default();
        Ok(())
    };
    table.line("session, begun", counts(1, 8, 8), begin).await?;
    let refresh = async |_| {
        let body = json!({ "refreshToken": token }).to_string();
        let response = client.call(stack, Function::Auth, Method::POST, "/refreshSession", body).await?;
        token = response.body.get("refreshToken").cloned().unwrap_or_default();
        Ok(())
    };
    table.line("session, refreshed", counts(1, 1, 1), refresh).await
}

/// Each line has a user of its own: the twentieth session of a user would end the oldest, which is one more
/// command.
async fn admission(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let client = BenchClient::open(table.stack, "sessions", "touch").await?;
    let sync = async |api: Api| expect(&api.get(SYNC).await?, 200);
    let new_session = async |_| sign_in_again(&client).await;
    table.line_after("session, read and touched by the edge", counts(1, 1, 1), new_session, sync).await?;
    // The first request reads the session; its status is then cached for some seconds.
    let again = async |_| expect(&client.api.get(SYNC).await?, 200);
    table.line("session, cached by the edge", counts(0, 0, 0), again).await?;
    let limited = async |_| expect(&client.api.get(LIMITED).await?, 403);
    table.line("rate decision", counts(1, 1, 3), limited).await?;
    let client = BenchClient::open(table.stack, "sessions", "both").await?;
    let both = async |api: Api| expect(&api.get(LIMITED).await?, 403);
    let new_session = async |_| sign_in_again(&client).await;
    table.line_after("session and rate decision", counts(1, 2, 4), new_session, both).await
}

/// A sign-in with a wrong password, which creates no session.
async fn sign_in(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let api = Api::new(table.stack.edge_url())?;
    let attempt = async |round| {
        // Failures of one name would be delayed.
        let name = format!("unknown-{round}@sessions");
        let body = json!({ "username": name, "password": "a guess" }).to_string();
        expect(&api.post("/api/auth/login", body).await?, 401)
    };
    table.line("rate decision at a sign-in", counts(1, 1, 3), attempt).await
}

/// A client with a session that the edge does not know yet.
async fn sign_in_again(client: &BenchClient) -> Result<Api, Box<dyn Error>> {
    let login: LoginRequest = serde_json::from_str(&client.login)?;
    Ok(client.api.login(&login).await?.0)
}

fn expect(reply: &Reply, status: u16) -> Result<(), Box<dyn Error>> {
    if reply.status == status { Ok(()) } else { Err(format!("{}: {}", reply.status, reply.body).into()) }
}
