//! The notes of a long run in a file: which seeds have passed and what they reached. After an interruption
//! the run goes on with the rest.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SimError;
use super::coverage::Coverage;

/// What has passed so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// What a seed means: the program and the size of its runs.
    runs: String,
    passed: BTreeSet<u64>,
    pub(crate) coverage: Coverage,
    #[serde(skip)]
    file: Option<PathBuf>,
}

impl Progress {
    /// Progress that is kept in `file`, if there is one. It goes on where the file ends.
    pub(crate) fn load(file: Option<&Path>, tills: u16, steps: u16) -> Result<Progress, SimError> {
        let Some(file) = file else { return Ok(Progress::default()) };
        let program = Sha256::digest(fs::read(std::env::current_exe()?)?);
        let runs = format!("{} with {tills} tills and {steps} steps", hex::encode(program));
        Progress::read(file, &runs)
    }

    fn read(file: &Path, runs: &str) -> Result<Progress, SimError> {
        let known = match fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Progress { runs: runs.to_owned(), ..Progress::default() }
            }
            Err(error) => return Err(error.into()),
        };
        if known.runs != runs {
            let file = file.display();
            return Err(format!("{file} is of another build or another size of runs: delete it").into());
        }
        Ok(Progress { file: Some(file.to_owned()), ..known })
    }

    pub(crate) fn has_passed(&self, seed: u64) -> bool {
        self.passed.contains(&seed)
    }

    /// The number of seeds that have passed.
    pub(crate) fn count(&self) -> u64 {
        self.passed.len() as u64
    }

    /// The number of those among `seeds`.
    pub(crate) fn count_of(&self, seeds: Range<u64>) -> u64 {
        self.passed.range(seeds).count() as u64
    }

    /// Notes a seed that has passed, and what it reached.
    pub(crate) fn pass(&mut self, seed: u64, coverage: &Coverage) -> Result<(), SimError> {
        self.passed.insert(seed);
        self.coverage.add(coverage);
        let Some(file) = &self.file else { return Ok(()) };
        // An interruption leaves the old file or the new one.
        let next = file.with_extension("next");
        fs::write(&next, serde_json::to_string(self)?)?;
        Ok(fs::rename(next, file)?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::coverage::Kind;
    use super::*;

    #[test]
    fn a_run_goes_on_where_its_file_ends() {
        let file = std::env::temp_dir().join(format!("tillsync-progress-{}", crate::fleet::batch_id()));
        let read = |runs: &str| Progress::read(&file, runs);
        let mut coverage = Coverage::default();
        coverage.count(Kind::Mode, "snapshot");
        let mut first = read("these runs").unwrap();
        [3, 1].iter().for_each(|seed| first.pass(*seed, &coverage).unwrap());
        let second = read("these runs").unwrap();
        assert_eq!(second, first);
        assert_eq!((second.count(), second.has_passed(3), second.has_passed(2)), (2, true, false));
        assert!(second.coverage.to_string().contains('2'), "{}", second.coverage);
        assert!(read("other runs").is_err());
        fs::remove_file(&file).unwrap();
    }
}
