//! Sessions and limits: what the functions note of them, and what the edge asks about each request.

use std::error::Error;

use lambda_http::http::Method;
use protocol::endpoints::function::Function;
use protocol::wire::auth::{LoginRequest, SessionResponse};
use redis_rest::counts::Counts;
use serde_json::{Value, json};

use super::table::{Table, counts};
use crate::api::{Api, Reply};
use crate::bench::counter::Counter;

/// Every request to it is limited, and the function behind it refuses a cashier without asking Redis.
const LIMITED: &str = "/api/cache/report";
/// No request to it is limited, and the function behind it does not know Redis.
const SYNC: &str = "/api/sync/pull-changes";

pub(super) async fn measure(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    sessions(table).await?;
    requests(table).await?;
    sign_in(table).await
}

async fn sessions(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let stack = table.stack;
    let counter = Counter::at(stack, "door", "sessions").await?;
    let mut token = Value::Null;
    let begin = async |table: &Table<'_>, _| {
        let login = counter.call(stack, Function::Auth, Method::POST, "/logIn", counter.login.clone());
        let (answer, asked) = table.asked(login).await?;
        token = answer.body.get("refreshToken").cloned().unwrap_or_default();
        Ok(asked)
    };
    table.line("session, begun", counts(1, 8, 8), begin).await?;
    let go_on = async |table: &Table<'_>, _| {
        let body = json!({ "refreshToken": token }).to_string();
        let refresh = counter.call(stack, Function::Auth, Method::POST, "/refreshSession", body);
        let (answer, asked) = table.asked(refresh).await?;
        token = answer.body.get("refreshToken").cloned().unwrap_or_default();
        Ok(asked)
    };
    table.line("session, refreshed", counts(1, 1, 1), go_on).await
}

/// Each line has a user of its own: with twenty sessions the oldest would end, which is one more command.
async fn requests(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let till = Counter::at(table.stack, "door", "touch").await?;
    let touch = async |table: &Table<'_>, _| {
        let api = signed_in(&till).await?;
        request(table, &api, SYNC, 200).await
    };
    table.line("session, read and touched at the door", counts(1, 1, 1), touch).await?;
    // The first of them asks about the session; the others come within the seconds for which that is believed.
    let again = async |table: &Table<'_>, _| request(table, &till.api, SYNC, 200).await;
    table.line("session, known at the door", counts(0, 0, 0), again).await?;
    let decision = async |table: &Table<'_>, _| request(table, &till.api, LIMITED, 403).await;
    table.line("rate decision", counts(1, 1, 3), decision).await?;
    let user = Counter::at(table.stack, "door", "both").await?;
    let both = async |table: &Table<'_>, _| {
        let api = signed_in(&user).await?;
        request(table, &api, LIMITED, 403).await
    };
    table.line("session and rate decision", counts(1, 2, 4), both).await
}

/// One that is refused for its password, which leaves no session behind.
async fn sign_in(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let stranger = Api::new(table.stack.edge_url())?;
    let body = json!({ "username": "nobody@door", "password": "a guess" }).to_string();
    let attempt = async |table: &Table<'_>, _| {
        let login = async { expect(&stranger.post("/api/auth/login", body.clone()).await?, 401) };
        let ((), asked) = table.asked(login).await?;
        Ok(asked)
    };
    // By name and by address, each decision three.
    table.line("two rate decisions at once, at a sign-in", counts(1, 2, 6), attempt).await
}

/// Who comes with a session that the edge has not seen.
async fn signed_in(counter: &Counter) -> Result<Api, Box<dyn Error>> {
    let login: LoginRequest = serde_json::from_str(&counter.login)?;
    let (api, SessionResponse { .. }) = counter.api.login(&login).await?;
    Ok(api)
}

/// What Redis is asked for a request that is answered by `status`.
async fn request(table: &Table<'_>, api: &Api, path: &str, status: u16) -> Result<Counts, Box<dyn Error>> {
    let ((), asked) = table.asked(async { expect(&api.get(path).await?, status) }).await?;
    Ok(asked)
}

fn expect(reply: &Reply, status: u16) -> Result<(), Box<dyn Error>> {
    if reply.status == status { Ok(()) } else { Err(format!("{}: {}", reply.status, reply.body).into()) }
}
