//! The published clients, `@upstash/redis` and `@upstash/ratelimit`, against the server over every engine.
//!
//! Each script beside this file is one trial, which fails if the script does not exit with zero.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use redis_rest::engine::{Engine, EngineKind};
use redis_rest::server::{Server, ServerOptions};
use tokio::process::Command;

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
    let arguments = Arguments::from_args();
    let engines = Engine::available();
    if engines.is_empty() {
        eprintln!("failed to test: there is no Redis on this machine; run `cargo xtask test`");
        return ExitCode::FAILURE;
    }
    let trials = engines.into_iter().flat_map(|kind| {
        SCRIPTS
            .into_iter()
            .map(move |script| Trial::test(format!("{}::{script}", kind.name()), move || run(kind, script)))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn run(kind: EngineKind, script: &str) -> Result<(), Failed> {
    let modules = root().join("node_modules");
    if let Some(package) = PACKAGES.into_iter().find(|package| !modules.join(package).is_dir()) {
        return Err(format!("{package} is not installed; run `cargo xtask test`, or `npm ci`").into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run_script(kind, script))
}

async fn run_script(kind: EngineKind, script: &str) -> Result<(), Failed> {
    let engine = Engine::start(Some(kind)).await?;
    let options = ServerOptions {
        read_only_token: Some("read-only".to_owned()),
        ..ServerOptions::new(engine.url(), "full")
    };
    let server = Server::start(options).await?;
    let mut node = Command::new(node());
    node.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("clients").join(script));
    node.env("UPSTASH_REDIS_REST_URL", server.url());
    node.env("UPSTASH_REDIS_REST_TOKEN", "full").env("READ_ONLY_TOKEN", "read-only");
    node.env("ENGINE", kind.name()).env("UPSTASH_DISABLE_TELEMETRY", "1");
    node.stdin(Stdio::null()).kill_on_drop(true);
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

/// The project's own Node if it is installed, else the machine's.
fn node() -> PathBuf {
    let own = root().join("node_modules").join(".bin").join("node");
    if own.exists() { own } else { PathBuf::from("node") }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("..")
}
