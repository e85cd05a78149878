//! A lock between processes: two clones, or tests beside `dev`, must not install or build the same thing
//! at the same time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::report;

/// Why a lock could not be taken.
#[derive(Debug, Error)]
#[error("failed to lock {}: {source}", path.display())]
pub(crate) struct LockError {
    path: PathBuf,
    source: io::Error,
}

/// Waits for the lock `folder/name.lock` and holds it until the returned file is dropped. The system releases
/// it when the process dies.
///
/// # Errors
///
/// [`LockError`] if the file cannot be created or locked.
pub(crate) fn hold(folder: &Path, name: &str) -> Result<File, LockError> {
    let path = folder.join(name).with_extension("lock");
    let open = || {
        fs::create_dir_all(folder)?;
        let file = File::create(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::Error(source)) => Err(source),
            Err(TryLockError::WouldBlock) => {
                report::say(name, "waiting for another process that does the same");
                file.lock()?;
                Ok(file)
            }
        }
    };
    open().map_err(|source| LockError { path: path.clone(), source })
}
