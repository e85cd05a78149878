//! A lock between processes: two clones, or tests beside `dev`, must not install or build the same thing
//! at the same time.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::file::FileError;
use crate::report;

/// Waits for the lock `folder/name.lock` and holds it until the returned file is dropped. The system releases
/// it when the process dies.
pub(crate) fn hold(folder: &Path, name: &str) -> Result<File, FileError> {
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
    open().map_err(FileError::of("lock", &path))
}
