//! Records which list of packages is installed: a copy of the list, written last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A list of packages to install, and the copy of it that is made once they are installed.
#[derive(Debug)]
pub(crate) struct InstallRecord {
    pub(crate) list: PathBuf,
    pub(crate) copy: PathBuf,
}

/// Why a list or its copy could not be read or written.
#[derive(Debug, Error)]
#[error("failed to {verb} {}: {source}", path.display())]
pub(crate) struct RecordError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl InstallRecord {
    /// Whether the installed packages are those of the list.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the list cannot be read.
    pub(crate) fn is_current(&self) -> Result<bool, RecordError> {
        let list = fs::read(&self.list).map_err(|source| failure("read", &self.list, source))?;
        Ok(fs::read(&self.copy).is_ok_and(|copy| copy == list))
    }

    /// Call before installing: until [`Self::set`], nothing counts as installed.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the copy cannot be removed.
    pub(crate) fn clear(&self) -> Result<(), RecordError> {
        match fs::remove_file(&self.copy) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failure("remove", &self.copy, source))
            }
            _ => Ok(()),
        }
    }

    /// Call after installing.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the list cannot be copied.
    pub(crate) fn set(&self) -> Result<(), RecordError> {
        fs::copy(&self.list, &self.copy).map_err(|source| failure("write", &self.copy, source))?;
        Ok(())
    }
}

fn failure(verb: &'static str, path: &Path, source: io::Error) -> RecordError {
    RecordError { verb, path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_copy_of_the_list_counts() {
        let folder = std::env::temp_dir().join(format!("tillsync-record-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let record = InstallRecord { list: folder.join("list"), copy: folder.join("copy") };
        assert!(record.is_current().is_err());
        fs::write(&record.list, "a 1\n").unwrap();
        assert!(!record.is_current().unwrap());
        record.set().unwrap();
        assert!(record.is_current().unwrap());
        for other in ["a 2\n", "a", ""] {
            fs::write(&record.copy, other).unwrap();
            assert!(!record.is_current().unwrap(), "{other:?}");
        }
        record.set().unwrap();
        record.clear().unwrap();
        record.clear().unwrap();
        assert!(!record.is_current().unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }
}
