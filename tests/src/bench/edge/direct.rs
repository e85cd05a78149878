//! Workers in workerd itself, without the proxy of `wrangler dev`.

use std::error::Error;
use std::process::Stdio;
use std::time::Duration;

use local::stack::Stack;
use local::template::project_root;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a worker may take to start.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A running worker. Dropping it ends its processes.
pub(super) struct DirectWorker {
    pub(super) url: String,
    /// Its standard input: the worker ends with it.
    _child: Child,
}

impl DirectWorker {
    /// Starts `tillsync` or `hono`, with the variables of the stack's edge.
    pub(super) async fn start(stack: &Stack, worker: &str) -> Result<DirectWorker, Box<dyn Error>> {
        let root = project_root();
        let bin = root.join("node_modules").join(".bin");
        let mut command = Command::new(bin.join("node"));
        command.arg(root.join("tests/src/bench/edge/serve.mjs")).arg(worker);
        command.arg(stack.data().join("edge.env")).current_dir(&root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(false);
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let line = timeout(START_PATIENCE, BufReader::new(output).lines().next_line()).await??;
        let url = line.ok_or_else(|| format!("{worker} did not start"))?;
        Ok(DirectWorker { url, _child: child })
    }
}
