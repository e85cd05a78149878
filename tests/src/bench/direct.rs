//! Workers in workerd itself, without the proxy of `wrangler dev`.

use std::error::Error;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use local::stack::Stack;
use local::template::project_root;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// How long a worker may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A `script` of the benchmarks, with the variables of the stack's edge and `argument`.
pub(super) fn script(stack: &Stack, script: &str, argument: &str) -> Command {
    let root = project_root();
    let mut command = Command::new(root.join("node_modules").join(".bin").join("node"));
    command.arg(root.join("tests/src/bench").join(script)).arg(stack.data().join("edge.env"));
    command.arg(argument).current_dir(&root);
    command
}

/// A running worker. Dropping it ends its processes.
pub(super) struct DirectWorker {
    pub(super) url: String,
    child: Child,
    /// The worker ends with it.
    input: ChildStdin,
}

impl DirectWorker {
    /// Starts `tillsync`, `counted`, `hono` or `partyserver`, with the variables of the stack's edge. Its
    /// objects store into `folder`, or into memory.
    pub(super) async fn start(
        stack: &Stack,
        worker: &str,
        folder: Option<&Path>,
    ) -> Result<DirectWorker, Box<dyn Error>> {
        let mut command = script(stack, "direct/serve.mjs", worker);
        command.args(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(false);
        let mut child = command.spawn()?;
        let (input, output) =
            (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        let mut lines = BufReader::new(output).lines();
        let line = timeout(PATIENCE, lines.next_line()).await??;
        let url = line.ok_or_else(|| format!("{worker} did not start"))?;
        // What the worker logs must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(DirectWorker { url, child, input })
    }

    /// Stops it, with all its sockets, and waits until its processes have ended.
    pub(super) async fn stop(self) -> Result<(), Box<dyn Error>> {
        let DirectWorker { mut child, input, .. } = self;
        drop(input);
        timeout(PATIENCE, child.wait()).await??;
        Ok(())
    }
}
