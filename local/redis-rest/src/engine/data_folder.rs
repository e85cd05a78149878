//! Where an engine keeps its data while it runs: a private folder, removed when it is dropped.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Readable by this user only, as the data is.
const MODE: u32 = 0o700;

#[derive(Debug)]
pub(super) struct DataFolder(PathBuf);

impl DataFolder {
    /// `name` must be one that others cannot guess: the folder is below a folder that all users share.
    pub(super) fn create(name: &str) -> io::Result<DataFolder> {
        let path = std::env::temp_dir().join(format!("redis-rest-{name}"));
        DirBuilder::new().mode(MODE).create(&path)?;
        Ok(DataFolder(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // An error means that the watchdog was faster.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_is_private_and_goes_with_its_owner() {
        let folder = DataFolder::create(&format!("test-{}", std::process::id())).unwrap();
        let path = folder.path().to_path_buf();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, MODE);
        fs::write(path.join("file"), "x").unwrap();
        assert!(
            DataFolder::create(&format!("test-{}", std::process::id())).is_err(),
            "never one that exists"
        );
        drop(folder);
        assert!(!path.exists());
    }
}
