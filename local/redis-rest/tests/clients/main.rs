//! The published clients, `@upstash/redis` and `@upstash/ratelimit`, against the server over every engine.
//!
//! Each script beside this file is one trial, which fails if the script does not exit with zero.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use redis_rest::engine::{Engine, EngineKind};
use redis_rest::server::{Server, ServerOptions};

#[path = "../support/engines.rs"]
mod engines;
#[path = "../support/node.rs"]
mod node;

/// How long a script may take.
const DEADLINE: Duration = Duration::from_secs(120);
const SCRIPTS: [&str; 8] = [
    "values.mjs",
    "collections.mjs",
    "pipelines.mjs",
    "scripts.mjs",
    "subscriptions.mjs",
    "errors.mjs",
    "encodings.mjs",
    "ratelimit.mjs",
];
const PACKAGES: [&str; 2] = ["@upstash/redis", "@upstash/ratelimit"];

fn main() -> ExitCode {
    engines::run(|kind| {
        let trial = |script| {
            Trial::test(format!("{}::{script}", kind.name()), move || engines::block_on(run(kind, script)))
        };
        SCRIPTS.map(trial).into()
    })
}

async fn run(kind: EngineKind, script: &str) -> Result<(), Failed> {
    let engine = Engine::start(Some(kind)).await?;
    let options = ServerOptions {
        read_only_token: Some("read-only".to_owned()),
        ..ServerOptions::new(engine.url(), "full")
    };
    let server = Server::start(options).await?;
    let mut node = node::command(&format!("clients/{script}"), &PACKAGES, server.url(), "full")?;
    node.env("READ_ONLY_TOKEN", "read-only");
    node.stdin(Stdio::null());
    let output = tokio::time::timeout(DEADLINE, node.output()).await;
    let output = output.map_err(|_| format!("{script} did not end within {DEADLINE:?}"))??;
    server.stop().await;
    engine.stop().await;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(format!("{script}: {}\n{out}\n{err}", output.status).into())
}
