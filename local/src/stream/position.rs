//! How far a function has processed its stream; survives restarts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private_file::{self, PrivateFileError};

/// The position in a stream and the file that stores it.
pub(super) struct Position {
    file: PathBuf,
    after: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    after: String,
}

impl Position {
    /// Reads the position of `function` in `folder`; the beginning of the stream if there is none.
    pub(super) fn load(folder: &Path, function: &str) -> Result<Position, PrivateFileError> {
        let file = folder.join(format!("{function}.json"));
        let stored: Option<Stored> = private_file::read(&file)?;
        Ok(Position { file, after: stored.map(|stored| stored.after) })
    }

    /// The sequence number of the last processed record.
    pub(super) fn after(&self) -> Option<String> {
        self.after.clone()
    }

    /// Marks everything up to this sequence number as processed.
    pub(super) fn advance(&mut self, sequence_number: String) {
        let stored = Stored { after: sequence_number };
        if let Err(error) = private_file::write(&self.file, &stored) {
            // After a restart these records are delivered again, which consumers tolerate.
            tracing::warn!(%error, "the stream's position was not kept");
        }
        self.after = Some(stored.after);
    }
}
