//! JSON and text files that only this user can read (mode 0600) and that are replaced atomically.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a file of the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The file system reports an error.
    #[error("failed to {verb} {}: {source}", path.display())]
    Io {
        /// `read`, `write` or `use`.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Its content is not the expected JSON.
    #[error("failed to read {}: {source}", path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
}

/// Reads the JSON in `path`; `None` if there is no such file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, PrivateFileError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(PrivateFileError::Io { verb: "read", path: path.to_owned(), source }),
    };
    let parsed = serde_json::from_slice(&text);
    parsed.map(Some).map_err(|source| PrivateFileError::Json { path: path.to_owned(), source })
}

pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), PrivateFileError> {
    let json = |source| PrivateFileError::Json { path: path.to_owned(), source };
    let mut text = serde_json::to_vec_pretty(value).map_err(json)?;
    text.push(b'\n');
    write_text(path, &text)
}

/// Writes `text` atomically: a reader sees either the old file or the new one.
pub(crate) fn write_text(path: &Path, text: &[u8]) -> Result<(), PrivateFileError> {
    let new = path.with_extension("new");
    let written = create(&new).and_then(|mut file| file.write_all(text));
    let moved = written.and_then(|()| std::fs::rename(&new, path));
    moved.map_err(|source| PrivateFileError::Io { verb: "write", path: path.to_owned(), source })
}

/// Creates an empty file, if there is none, that only this user can read. An existing file becomes private.
pub(crate) fn create_if_missing(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Creates the directory `path`, if there is none, that only this user can read. An existing one becomes
/// private.
pub(crate) fn create_dir_if_missing(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Removes a file or a directory, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), PrivateFileError> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(PrivateFileError::Io { verb: "use", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

fn create(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // The mode above is only that of a new file.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}
