//! Errors of the edge.

use crate::private_file::PrivateFileError;

/// Why the edge did not start.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The npm packages are not installed.
    #[error("failed to start the edge: {0} is missing; `cargo xtask dev` sets it up")]
    MissingTool(String),
    /// Another process listens on the edge's port.
    #[error("failed to start the edge: port {0} is taken; choose another with --edge-port")]
    PortTaken(u16),
    /// A file or the process cannot be created.
    #[error("failed to start the edge: {0}")]
    Io(#[from] std::io::Error),
    /// The HTTP client for the health check cannot be created.
    #[error("failed to start the edge: {0}")]
    Client(#[from] reqwest::Error),
    /// The configuration cannot be written.
    #[error(transparent)]
    Configuration(#[from] PrivateFileError),
    /// The edge ended or did not respond in time.
    #[error("failed to start the edge: {0}")]
    Died(EdgeDeath),
}

/// How the edge ended, with the end of its output.
#[derive(Debug, thiserror::Error)]
#[error("{reason}{}", shown(.last_lines))]
pub struct EdgeDeath {
    /// What happened.
    pub reason: String,
    /// The last lines of its output, oldest first.
    pub last_lines: Vec<String>,
}

fn shown(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("; its last lines:\n{}", lines.join("\n")) }
}
