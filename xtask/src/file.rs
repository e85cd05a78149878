//! Errors that name a file or folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file or folder cannot be used.
#[derive(Debug, Error)]
#[error("failed to {verb} {}: {source}", path.display())]
pub(crate) struct FileError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl FileError {
    /// Adds verb and path to an error, for `map_err`.
    pub(crate) fn of(verb: &'static str, path: &Path) -> impl Fn(io::Error) -> FileError {
        move |source| FileError { verb, path: path.to_path_buf(), source }
    }
}

/// Removes a file, or a folder with its contents, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FileError::of("remove", path)(source)),
        _ => Ok(()),
    }
}
