//! How far the stream was delivered, kept over restarts.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::private_file::{self, PrivateFileError};

/// The position in a stream, and the file that remembers it.
pub(super) struct Position {
    file: PathBuf,
    after: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    after: String,
}

impl Position {
    /// What the last run of `function` left in `folder`; the beginning, if there was none.
    pub(super) fn load(folder: &Path, function: &str) -> Result<Position, PrivateFileError> {
        let file = folder.join(format!("{function}.json"));
        let stored: Option<Stored> = private_file::read(&file)?;
        Ok(Position { file, after: stored.map(|stored| stored.after) })
    }

    /// The sequence number of the last record that is done with.
    pub(super) fn after(&self) -> Option<String> {
        self.after.clone()
    }

    /// Everything up to the record with this sequence number is done with.
    pub(super) fn advance(&mut self, sequence_number: String) {
        let stored = Stored { after: sequence_number };
        if let Err(error) = private_file::write(&self.file, &stored) {
            // Only a restart would notice, and deliver again what rooms know to drop.
            tracing::warn!(%error, "the stream's position was not kept");
        }
        self.after = Some(stored.after);
    }
}
