//! The command line of wrangler, which must not reach the network, the terminal or another stack.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::EdgeError;
use crate::private_file;

/// The worker's configuration: names and values. It goes through a private file because some are secret.
pub type EdgeVariables = BTreeMap<String, String>;

/// Keeps wrangler quiet and offline.
const ENVIRONMENT: [(&str, &str); 10] = [
    // No prompts, no colours, no redrawn screen.
    ("CI", "1"),
    ("NO_COLOR", "1"),
    ("FORCE_COLOR", "0"),
    ("WRANGLER_HIDE_BANNER", "true"),
    // No metrics, no error reports, no location request.
    ("WRANGLER_SEND_METRICS", "false"),
    ("WRANGLER_SEND_ERROR_REPORTS", "false"),
    ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
    // No log files in the user's home.
    ("WRANGLER_WRITE_LOGS", "false"),
    // No traces on disk: they hold whole URLs, tokens included, whatever `redact_query_string` says. No page
    // on the edge's port that shows them and the storage of rooms.
    ("X_LOCAL_OBSERVABILITY", "false"),
    ("X_LOCAL_EXPLORER", "false"),
];

/// Writes the configuration into `folder` and builds the command that runs the project at `root` on `port`.
pub(super) fn command(
    root: &Path,
    folder: &Path,
    port: u16,
    variables: &EdgeVariables,
) -> Result<Command, EdgeError> {
    let bin = root.join("node_modules").join(".bin");
    let (node, wrangler) = (tool(&bin, "node")?, tool(&bin, "wrangler")?);
    let configuration = folder.join("edge.env");
    private_file::write_text(&configuration, dotenv(variables).as_bytes())?;

    let mut command = Command::new(node);
    command.arg(wrangler).args(["dev", "--ip", "127.0.0.1", "--port"]).arg(port.to_string());
    command.args(["--inspector-port", "0", "--show-interactive-dev-session=false"]);
    // Levels below "warn" log a line per request, which costs more than the request.
    command.args(["--log-level", "warn"]);
    command.arg("--persist-to").arg(folder.join("edge"));
    command.arg("--env-file").arg(configuration);
    command.envs(ENVIRONMENT);
    // Workers of one registry can call each other; stacks must not.
    command.env("WRANGLER_REGISTRY_PATH", folder.join("registry"));
    command.env("PATH", path(bin));
    command.current_dir(root);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Ctrl-C in the terminal must reach only this process, which then ends the group.
    command.process_group(0);
    Ok(command)
}

fn tool(bin: &Path, name: &str) -> Result<PathBuf, EdgeError> {
    let path = bin.join(name);
    if path.exists() { Ok(path) } else { Err(EdgeError::MissingTool(path.display().to_string())) }
}

/// The project's tools come first: wrangler needs a newer Node than most machines have.
fn path(bin: PathBuf) -> OsString {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(bin).chain(std::env::split_paths(&inherited));
    // Joining fails if the project's path contains a colon.
    std::env::join_paths(paths).unwrap_or(inherited)
}

/// The text of a dotenv file. Single quotes keep JSON and base64 as they are; no value contains one.
fn dotenv(variables: &EdgeVariables) -> String {
    variables.iter().map(|(name, value)| format!("{name}='{value}'\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_the_command_that_installs_it() {
        let folder = std::env::temp_dir().join("tillsync-nothing-here");
        let error = command(&folder, &folder, 1, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("node is missing") && error.contains("cargo xtask dev"), "{error}");
    }

    #[test]
    fn values_are_in_single_quotes() {
        let variables = [("ACCESS_JWKS", r#"{"keys":[]}"#), ("AWS_REGION", "us-east-1")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(dotenv(&variables), "ACCESS_JWKS='{\"keys\":[]}'\nAWS_REGION='us-east-1'\n");
    }
}
