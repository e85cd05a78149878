//! Records, figures and carts of a room, as the functions answer with them.

use std::error::Error;

use lambda_http::http::Method;
use local::stack::Stack;
use protocol::endpoints::function::Function;
use protocol::stamp::Stamp;
use redis_rest::counts::Counts;
use serde_json::json;

use super::table::{ROUNDS, Table, counts};
use crate::bench::counter::Counter;
use crate::bench::product;

pub(super) async fn measure(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let counter = Counter::open(table.stack, "rooms").await?;
    records(table, &counter).await?;
    figures(table, &counter).await?;
    carts(table, &counter).await
}

async fn records(table: &mut Table<'_>, counter: &Counter) -> Result<(), Box<dyn Error>> {
    for n in 0..ROUNDS {
        push(table.stack, counter, &format!("p{n}")).await?;
    }
    let first = async |table: &Table<'_>, round| {
        get(table, counter, Function::Data, &format!("/getRecord?table=products&record_id=p{round}")).await
    };
    table.line("record, first of the day", counts(3, 3, 3), first).await?;
    let cached = async |table: &Table<'_>, _| {
        get(table, counter, Function::Data, "/getRecord?table=products&record_id=p0").await
    };
    table.line("record, cached", counts(1, 1, 1), cached).await?;
    // The stamps are there, and the entry is older than the caller has seen.
    let anew = async |table: &Table<'_>, _| {
        let Stamp(min) = push(table.stack, counter, "other").await?;
        let path = format!("/getRecord?table=products&record_id=p0&min={min}");
        get(table, counter, Function::Data, &path).await
    };
    table.line("record, loaded anew", counts(2, 2, 2), anew).await
}

async fn figures(table: &mut Table<'_>, counter: &Counter) -> Result<(), Box<dyn Error>> {
    get(table, counter, Function::SyncStats, "/getSyncStats").await?;
    let anew = async |table: &Table<'_>, _| {
        let Stamp(min) = push(table.stack, counter, "other").await?;
        get(table, counter, Function::SyncStats, &format!("/getSyncStats?min={min}")).await
    };
    table.line("figures, loaded anew under the lock", counts(3, 3, 3), anew).await?;
    let cached = async |table: &Table<'_>, _| get(table, counter, Function::SyncStats, "/getSyncStats").await;
    table.line("figures, cached", counts(1, 1, 1), cached).await
}

async fn carts(table: &mut Table<'_>, counter: &Counter) -> Result<(), Box<dyn Error>> {
    let stack = table.stack;
    let writes = stack.faults().watch("#rooms#c1");
    let put = async |table: &Table<'_>, round| {
        let body = json!({ "data": { "n": round } }).to_string();
        let (_, asked) =
            table.asked(counter.call(stack, Function::Carts, Method::PUT, "/putCart?id=c1", body)).await?;
        Ok(asked)
    };
    table.line("cart, put", counts(1, 1, 1), put).await?;
    let promised = ROUNDS as u64;
    let over = writes.total() > promised || writes.count("PutItem") != promised;
    let (measured, promised) = (format!("{} in {ROUNDS}", writes.total()), format!("{promised} in {ROUNDS}"));
    table.figure("cart, durable writes of a put", &measured, &promised, over);
    let read = async |table: &Table<'_>, _| get(table, counter, Function::Carts, "/getCart?id=c1").await;
    table.line("cart, get", counts(1, 1, 1), read).await
}

/// What Redis is asked for the answer to a GET.
async fn get(
    table: &Table<'_>,
    counter: &Counter,
    function: Function,
    path: &str,
) -> Result<Counts, Box<dyn Error>> {
    let (_, asked) =
        table.asked(counter.call(table.stack, function, Method::GET, path, String::new())).await?;
    Ok(asked)
}

/// Pushes one product; the room's stamp then.
pub(super) async fn push(stack: &Stack, counter: &Counter, id: &str) -> Result<Stamp, Box<dyn Error>> {
    let body = json!({ "device_id": counter.device, "records": [product(id, 0)] }).to_string();
    let path = "/pushBatch";
    Ok(counter.call(stack, Function::BatchPush, Method::POST, path, body).await?.stamp)
}
