//! Why there is no edge, or no longer.

use crate::private_file::PrivateFileError;

/// Why there is no edge.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// npm's packages are not there.
    #[error("failed to start the edge: {0} is missing; `cargo xtask dev` sets it up")]
    MissingTool(String),
    /// Somebody listens where the edge should.
    #[error("failed to start the edge: port {0} is taken; choose another with --edge-port")]
    PortTaken(u16),
    /// A file or the process cannot be made.
    #[error("failed to start the edge: {0}")]
    Io(#[from] std::io::Error),
    /// The HTTP client that looks whether it is ready cannot be made.
    #[error("failed to start the edge: {0}")]
    Client(#[from] reqwest::Error),
    /// Its configuration cannot be written.
    #[error(transparent)]
    Configuration(#[from] PrivateFileError),
    /// It ended, or did not answer in time.
    #[error("failed to start the edge: {0}")]
    Died(EdgeDeath),
}

/// How the edge ended by itself, with the last it said.
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
