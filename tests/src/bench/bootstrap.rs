//! A new till reads a large room: records a second and memory, beside RxServer in the same run.

mod walk;

use std::error::Error;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::sync::keys;
use local::stack::Stack;
use local::template::project_root;
use protocol::limits::PUSH_RECORDS_MAX;
use serde_json::{Value, json};
use sync::limits::LOG_SETTLE_SECS;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::client::BenchClient;
use super::product;
use crate::fleet;
use crate::memory::Watched;
use crate::report::hundredths;

const BRANCH: &str = "bootstrap";

/// Fills a room with `records` and reads it as a new till; then the same from RxServer. Fails if memory grows
/// during our walk.
pub(super) async fn measure(stack: &Stack, records: usize) -> Result<(), Box<dyn Error>> {
    println!("{records} records of 300 bytes; all in one run\n");
    let client = BenchClient::open(stack, BRANCH, BRANCH).await?;
    fill(stack, &client, records).await?;
    expire_log(stack, &client).await?;
    println!("waiting {LOG_SETTLE_SECS} s: a walk leaves commits that are younger to the log");
    sleep(Duration::from_secs(LOG_SETTLE_SECS)).await;

    let watched = vec![
        Watched::this("process of functions, database and benchmark")?,
        Watched::below("worker", "workerd", std::process::id())?,
    ];
    let mut till = till("tillsync", stack.edge_url(), stack.data().join("ours.sqlite"));
    till.env("TOKEN", client.api.token());
    let ours = walk::run(till, records, watched).await?;
    println!("\ntillsync, through the edge\n{ours}");

    let (rxserver, url) = start_rxserver(records).await?;
    let watched = vec![Watched::child("server with its database in memory", &rxserver)?];
    let theirs =
        walk::run(self::till("rxserver", &url, stack.data().join("theirs.sqlite")), records, watched).await?;
    println!("\nRxServer\n{theirs}");
    println!(
        "records a second, tillsync to RxServer: {}",
        hundredths(ours.rate() * 100 / theirs.rate().max(1))
    );
    ours.must_be_flat()
}

/// Pushes `records` to the function.
async fn fill(stack: &Stack, client: &BenchClient, records: usize) -> Result<(), Box<dyn Error>> {
    // There is no subscriber yet, and publishing would slow the pushes down.
    stack.stream().pause();
    for first in (0..records).step_by(PUSH_RECORDS_MAX) {
        let last = records.min(first + PUSH_RECORDS_MAX);
        let products: Vec<Value> = (first..last).map(|n| product(&format!("p{n}"), n)).collect();
        let body = json!({ "device_id": client.device, "batch_id": fleet::batch_id(), "records": products });
        client.push(stack, body.to_string()).await?;
        if last * 10 / records > first * 10 / records {
            println!("{last} records pushed");
        }
    }
    Ok(())
}

/// Removes the beginning of the room's log, as time does: a new till would otherwise get the log.
async fn expire_log(stack: &Stack, client: &BenchClient) -> Result<(), Box<dyn Error>> {
    let (db, table, partition) = (stack.client(), stack.table(), AttributeValue::S(keys::log(&client.room)));
    let query = db.query().table_name(table).key_condition_expression("pk = :pk").limit(1);
    let first = query.expression_attribute_values(":pk", partition.clone()).send().await?;
    let first = first.items().first().and_then(|item| item.get("sk")).ok_or("the room has no log")?;
    db.delete_item().table_name(table).key("pk", partition).key("sk", first.clone()).send().await?;
    Ok(())
}

/// The script of a till that reads everything from the server of this kind at `url` into `file`.
fn till(kind: &str, url: &str, file: PathBuf) -> Command {
    let mut command = node("till.mjs");
    command.args([kind, url]).arg(file);
    command
}

/// Starts RxServer. Returns the URL of its endpoint as well.
async fn start_rxserver(records: usize) -> Result<(Child, String), Box<dyn Error>> {
    println!("\nRxServer is filling its database");
    let mut server = node("rxserver/server.mjs").arg(records.to_string()).spawn()?;
    let output = server.stdout.take().ok_or("failed to read the output of RxServer")?;
    let url = BufReader::new(output).lines().next_line().await?;
    Ok((server, url.ok_or("RxServer ended before it served; see above")?))
}

/// A script of this benchmark, which ends when it is dropped.
fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    // A million records of RxServer's database take 2 GB.
    command.arg("--max-old-space-size=8192").arg("--no-warnings");
    command.arg(project_root().join("tests/src/bench/bootstrap").join(script));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}
