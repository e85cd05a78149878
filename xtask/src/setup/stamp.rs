//! Whether installed packages are those of a list: a copy of the list lies among them, written last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// The list that says what to install, and where its copy lies.
#[derive(Debug)]
pub(crate) struct Stamp {
    pub(crate) list: PathBuf,
    pub(crate) copy: PathBuf,
}

/// Why a list or its copy could not be used.
#[derive(Debug, Error)]
#[error("failed to {verb} {}: {source}", path.display())]
pub(crate) struct StampError {
    verb: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Stamp {
    /// Whether what is installed is what the list says now.
    ///
    /// # Errors
    ///
    /// [`StampError`] where the list, which is in git, cannot be read.
    pub(crate) fn is_current(&self) -> Result<bool, StampError> {
        let list = fs::read(&self.list).map_err(|source| failure("read", &self.list, source))?;
        let copy = fs::read(&self.copy).ok();
        Ok(is_same(&list, copy.as_deref()))
    }

    /// Before installing: from here until [`Self::set`] nothing counts as installed.
    ///
    /// # Errors
    ///
    /// [`StampError`] where the copy is there and cannot be removed.
    pub(crate) fn clear(&self) -> Result<(), StampError> {
        match fs::remove_file(&self.copy) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(failure("remove", &self.copy, source))
            }
            _ => Ok(()),
        }
    }

    /// After installing.
    ///
    /// # Errors
    ///
    /// [`StampError`] where the list cannot be copied.
    pub(crate) fn set(&self) -> Result<(), StampError> {
        fs::copy(&self.list, &self.copy).map_err(|source| failure("write", &self.copy, source))?;
        Ok(())
    }
}

fn is_same(list: &[u8], copy: Option<&[u8]>) -> bool {
    copy == Some(list)
}

fn failure(verb: &'static str, path: &Path, source: io::Error) -> StampError {
    StampError { verb, path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_same_list_is_current() {
        assert!(is_same(b"a 1\n", Some(b"a 1\n")));
        assert!(!is_same(b"a 2\n", Some(b"a 1\n")));
        assert!(!is_same(b"a 1\n", Some(b"a")));
        assert!(!is_same(b"", None));
    }

    #[test]
    fn a_cleared_stamp_is_stale_until_it_is_set_again() {
        let folder = std::env::temp_dir().join(format!("tillsync-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let stamp = Stamp { list: folder.join("list"), copy: folder.join("copy") };
        assert!(stamp.is_current().is_err());
        fs::write(&stamp.list, "a 1\n").unwrap();
        assert!(!stamp.is_current().unwrap());
        stamp.set().unwrap();
        assert!(stamp.is_current().unwrap());
        stamp.clear().unwrap();
        stamp.clear().unwrap();
        assert!(!stamp.is_current().unwrap());
        fs::remove_dir_all(&folder).unwrap();
    }
}
