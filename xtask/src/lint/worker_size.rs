//! The size of the uploaded worker, which decides its start-up time.

use std::fs;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use thiserror::Error;

use super::StepError;
use crate::file::FileError;
use crate::project::Project;
use crate::{edge, report, setup};

/// The sum over the files, each compressed as by `gzip -9`.
const WORKER_GZIP_BYTES_MAX: usize = 600 * 1024;
const KIB: usize = 1024;

#[derive(Debug, Error)]
pub(super) enum WorkerSizeError {
    #[error(
        "failed to keep the worker small: {found} KiB gzipped, at most {} KiB are allowed",
        WORKER_GZIP_BYTES_MAX / KIB
    )]
    TooLarge { found: usize },
}

pub(super) fn run(project: &Project) -> Result<(), StepError> {
    let tools = setup::edge(project)?;
    edge::build(project, &tools)?;
    let mut bytes = 0_usize;
    for name in edge::WORKER_FILES {
        let path = edge::output(project).join(name);
        let content = fs::read(&path).map_err(FileError::of("read", &path))?;
        let compressed = gzipped_bytes(&content).map_err(FileError::of("compress", &path))?;
        bytes = bytes.saturating_add(compressed);
    }
    let limit = WORKER_GZIP_BYTES_MAX / KIB;
    report::say(
        "lint",
        &format!("the worker has {} KiB gzipped, at most {limit} are allowed", in_kib(bytes)),
    );
    Ok(check(bytes)?)
}

fn check(bytes: usize) -> Result<(), WorkerSizeError> {
    if bytes > WORKER_GZIP_BYTES_MAX {
        return Err(WorkerSizeError::TooLarge { found: in_kib(bytes) });
    }
    Ok(())
}

/// Rounded up, so that a size over the limit is shown as over the limit.
fn in_kib(bytes: usize) -> usize {
    bytes.div_ceil(KIB)
}

fn gzipped_bytes(content: &[u8]) -> io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_over_the_limit_is_refused() {
        assert!(check(WORKER_GZIP_BYTES_MAX).is_ok());
        let error = check(WORKER_GZIP_BYTES_MAX + 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "failed to keep the worker small: 601 KiB gzipped, at most 600 KiB are allowed"
        );
    }

    #[test]
    fn the_size_is_that_of_the_compressed_content() {
        let repetitive = gzipped_bytes(&[7; 100_000]).unwrap();
        assert!((20..1000).contains(&repetitive), "{repetitive}");
    }
}
