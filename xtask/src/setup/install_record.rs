//! Records which list of packages is installed: a copy of the list, written last.

use std::fs;
use std::path::PathBuf;

use crate::file::{self, FileError};

/// A list of packages to install, and the copy of it that is made once they are installed.
#[derive(Debug)]
pub(crate) struct InstallRecord {
    pub(crate) list: PathBuf,
    pub(crate) copy: PathBuf,
}

impl InstallRecord {
    /// Whether the installed packages are those of the list.
    pub(crate) fn is_current(&self) -> Result<bool, FileError> {
        let list = fs::read(&self.list).map_err(FileError::of("read", &self.list))?;
        Ok(fs::read(&self.copy).is_ok_and(|copy| copy == list))
    }

    /// Call before installing: until [`Self::set`], nothing counts as installed.
    pub(crate) fn clear(&self) -> Result<(), FileError> {
        file::remove(&self.copy)
    }

    /// Call after installing.
    pub(crate) fn set(&self) -> Result<(), FileError> {
        fs::copy(&self.list, &self.copy).map_err(FileError::of("write", &self.copy))?;
        Ok(())
    }
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
