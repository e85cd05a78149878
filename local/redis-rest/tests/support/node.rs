//! Scripts that run the published clients.

use std::path::Path;

use tokio::process::Command;

/// Node with `script`, a path below `tests`, for a server at `url`. The project's own Node if it is
/// installed, else the machine's. An error if a package is missing.
pub(crate) fn command(script: &str, packages: &[&str], url: &str, token: &str) -> Result<Command, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = here.join("..").join("..").join("node_modules");
    if let Some(package) = packages.iter().find(|package| !modules.join(package).is_dir()) {
        return Err(format!("{package} is not installed; run `cargo xtask test`, or `npm ci`"));
    }
    let own = modules.join(".bin").join("node");
    let mut node = Command::new(if own.exists() { own } else { "node".into() });
    node.arg(here.join("tests").join(script)).kill_on_drop(true);
    node.env("UPSTASH_REDIS_REST_URL", url).env("UPSTASH_REDIS_REST_TOKEN", token);
    node.env("UPSTASH_DISABLE_TELEMETRY", "1");
    Ok(node)
}
