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
/// The wasm that the runtime compiles when it starts the worker: its start-up time is proportional to that.
const WASM_BYTES_MAX: usize = 1700 * 1024;
const KIB: usize = 1024;

#[derive(Debug, Error)]
pub(super) enum WorkerSizeError {
    #[error(
        "failed to keep the worker small: {found} KiB gzipped, at most {} KiB are allowed",
        WORKER_GZIP_BYTES_MAX / KIB
    )]
    TooLarge { found: usize },
    #[error(
        "failed to keep the start of the worker short: its wasm has {found} KiB, at most {} KiB are allowed",
        WASM_BYTES_MAX / KIB
    )]
    TooMuchWasm { found: usize },
}

pub(super) fn run(project: &Project) -> Result<(), StepError> {
    let tools = setup::edge(project)?;
    edge::build(project, &tools)?;
    let (mut bytes, mut wasm) = (0_usize, 0);
    for name in edge::WORKER_FILES {
        let path = edge::output(project).join(name);
        let content = fs::read(&path).map_err(FileError::of("read", &path))?;
        let compressed = gzipped_bytes(&content).map_err(FileError::of("compress", &path))?;
        bytes = bytes.saturating_add(compressed);
        if name == edge::WASM_FILE {
            wasm = content.len();
        }
    }
    let limit = WORKER_GZIP_BYTES_MAX / KIB;
    report::say(
        "lint",
        &format!("the worker has {} KiB gzipped, at most {limit} are allowed", in_kib(bytes)),
    );
    Ok(check(bytes, wasm)?)
}

fn check(gzipped: usize, wasm: usize) -> Result<(), WorkerSizeError> {
    if gzipped > WORKER_GZIP_BYTES_MAX {
        return Err(WorkerSizeError::TooLarge { found: in_kib(gzipped) });
    }
    if wasm > WASM_BYTES_MAX {
        return Err(WorkerSizeError::TooMuchWasm { found: in_kib(wasm) });
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
mod tests;
