//! The data directory of a stack: data, keys, configuration. A lock file admits one stack at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::keys::random_text;
use crate::private_file::{self, PrivateFileError};

/// What a stack stores there. `--fresh` removes only these: the directory may contain other files.
const CONTENTS: [&str; 12] = [
    "cache-invalidate.json",
    "cart-compact.json",
    "change-stream.json",
    "dev.json",
    "dynamo.sqlite",
    "dynamo.sqlite-shm",
    "dynamo.sqlite-wal",
    "edge",
    "edge.env",
    "keys.json",
    "registry",
    "users.json",
];

/// Where wrangler keeps its files, which have whatever mode it gives them. The data directory itself may be
/// one that others may enter.
const PRIVATE_DIRS: [&str; 2] = ["edge", "registry"];

/// Why the directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another stack uses the directory.
    #[error("failed to use {}: another stack is running there; stop it, or choose another with --data", .0.display())]
    InUse(PathBuf),
    /// A file or directory cannot be used.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// The system gives no random bytes for a name.
    #[error("failed to name a temporary directory: {0}")]
    Random(#[from] getrandom::Error),
}

/// A directory that this process has locked until the value is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    temporary: bool,
    /// The system releases the lock even after a crash.
    _lock: File,
}

impl DataDir {
    /// Locks `path`, and removes the contents of earlier runs if `fresh`.
    pub(crate) fn take(path: &Path, fresh: bool) -> Result<DataDir, DataDirError> {
        let dir = DataDir::lock(path, false)?;
        if fresh {
            CONTENTS.iter().try_for_each(|name| private_file::remove(&dir.path.join(name)))?;
        }
        dir.make_private()?;
        Ok(dir)
    }

    /// A new directory that is removed when the value is dropped.
    pub(crate) fn temporary() -> Result<DataDir, DataDirError> {
        let path = std::env::temp_dir().join(format!("tillsync-{}", random_text(9)?));
        let dir = DataDir::lock(&path, true)?;
        dir.make_private()?;
        Ok(dir)
    }

    /// Closes what an earlier release left open to other users of the machine.
    fn make_private(&self) -> Result<(), PrivateFileError> {
        let failed = |source| PrivateFileError::Io { verb: "use", path: self.path.clone(), source };
        PRIVATE_DIRS
            .iter()
            .try_for_each(|name| private_file::create_dir_if_missing(&self.path.join(name)))
            .map_err(failed)?;
        let mut files = CONTENTS.iter().map(|name| self.path.join(name)).filter(|path| path.is_file());
        files.try_for_each(|path| private_file::create_if_missing(&path)).map_err(failed)
    }

    fn lock(path: &Path, temporary: bool) -> Result<DataDir, DataDirError> {
        let failed = |source| PrivateFileError::Io { verb: "use", path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        // Absolute, because wrangler runs in another directory.
        let path = path.canonicalize().map_err(failed)?;
        private_file::create_if_missing(&path.join("lock")).map_err(failed)?;
        let lock = File::open(path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(DataDir { path, temporary, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(failed(source).into()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary {
            // If that fails, the system clears its temporary files later.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_owner_and_fresh_removes_only_our_files() {
        let base = DataDir::temporary().unwrap();
        let path = base.path().join("data");
        let dir = DataDir::take(&path, false).unwrap();
        assert!(matches!(DataDir::take(&path, true), Err(DataDirError::InUse(_))));
        drop(dir);
        for name in ["keys.json", "other.txt"] {
            std::fs::write(path.join(name), "x").unwrap();
        }
        std::fs::write(path.join("edge").join("old"), "x").unwrap();
        let dir = DataDir::take(&path, true).unwrap();
        assert!(!path.join("keys.json").exists() && !path.join("edge").join("old").exists());
        assert!(path.join("other.txt").exists() && !dir.temporary);
    }

    #[test]
    fn others_cannot_read_what_an_earlier_release_left_open() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let base = DataDir::temporary().unwrap();
        let path = base.path().join("data");
        std::fs::create_dir_all(path.join("edge")).unwrap();
        for name in ["lock", "dynamo.sqlite", "dynamo.sqlite-wal", "users.json"] {
            std::fs::write(path.join(name), "x").unwrap();
            std::fs::set_permissions(path.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        for name in ["", "edge"] {
            std::fs::set_permissions(path.join(name), Permissions::from_mode(0o755)).unwrap();
        }
        let _dir = DataDir::take(&path, false).unwrap();
        // The directory itself may be one that others may enter.
        for entry in std::fs::read_dir(&path).unwrap().map(Result::unwrap) {
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{:?} {mode:o}", entry.path());
        }
    }

    #[test]
    fn a_temporary_directory_is_removed_on_drop() {
        let dir = DataDir::temporary().unwrap();
        let path = dir.path().to_owned();
        assert!(path.is_dir());
        drop(dir);
        assert!(!path.exists());
    }
}
