//! Records, statistics and carts, as the functions serve them.

use std::error::Error;

use lambda_http::http::Method;
use protocol::endpoints::function::Function;
use protocol::stamp::Stamp;
use serde_json::json;

use super::{ROUNDS, Table, counts};
use crate::bench::client::BenchClient;

pub(super) async fn measure(table: &mut Table<'_>) -> Result<(), Box<dyn Error>> {
    let client = BenchClient::open(table.stack, "rooms", "rooms").await?;
    records(table, &client).await?;
    statistics(table, &client).await?;
    carts(table, &client).await
}

async fn records(table: &mut Table<'_>, client: &BenchClient) -> Result<(), Box<dyn Error>> {
    const PATH: &str = "/getRecord?table=products&record_id=p";
    let stack = table.stack;
    for n in 0..ROUNDS {
        client.push_product(stack, &format!("p{n}")).await?;
    }
    let first = async |round| client.get(stack, Function::Data, &format!("{PATH}{round}")).await;
    table.line("record, first of the day", counts(3, 3, 3), first).await?;
    let cached = async |_| client.get(stack, Function::Data, &format!("{PATH}0")).await;
    table.line("record, cached", counts(1, 1, 1), cached).await?;
    // The tag versions exist, but the entry is older than the caller's `min`.
    let push = async |_| client.push_product(stack, "other").await;
    let reload = async |Stamp(min)| client.get(stack, Function::Data, &format!("{PATH}0&min={min}")).await;
    table.line_after("record, loaded again", counts(2, 2, 2), push, reload).await
}

async fn statistics(table: &mut Table<'_>, client: &BenchClient) -> Result<(), Box<dyn Error>> {
    const PATH: &str = "/getSyncStats";
    let stack = table.stack;
    client.get(stack, Function::SyncStats, PATH).await?;
    let push = async |_| client.push_product(stack, "other").await;
    let reload =
        async |Stamp(min)| client.get(stack, Function::SyncStats, &format!("{PATH}?min={min}")).await;
    table.line_after("sync stats, loaded again under the lock", counts(3, 3, 3), push, reload).await?;
    let cached = async |_| client.get(stack, Function::SyncStats, PATH).await;
    table.line("sync stats, cached", counts(1, 1, 1), cached).await
}

async fn carts(table: &mut Table<'_>, client: &BenchClient) -> Result<(), Box<dyn Error>> {
    let stack = table.stack;
    let writes = stack.faults().watch("#rooms#c1");
    let put = async |round| {
        let body = json!({ "data": { "n": round } }).to_string();
        client.call(stack, Function::Carts, Method::PUT, "/putCart?id=c1", body).await
    };
    table.line("cart, put", counts(1, 1, 1), put).await?;
    let promised = ROUNDS as u64;
    let over = writes.total() > promised || writes.count("PutItem") != promised;
    let (measured, promised) = (format!("{} in {ROUNDS}", writes.total()), format!("{promised} in {ROUNDS}"));
    table.print("cart, durable writes of a put", &measured, &promised, over);
    table
        .line("cart, get", counts(1, 1, 1), async |_| {
            client.get(stack, Function::Carts, "/getCart?id=c1").await
        })
        .await
}
