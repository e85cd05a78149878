//! Rules that reviews would otherwise have to repeat: lengths, names, words, paths of a machine, pinned
//! files, secrets in `Debug`.

use std::fs;
use std::io;

use thiserror::Error;

use super::StepError;
use crate::project::Project;
use crate::report;

mod comment;
mod length;
mod machine_path;
mod metaphors;
mod name;
mod pinned;
mod secret_debug;
mod type_name;
mod width;
mod word;

#[derive(Debug, Error)]
pub(super) enum TidyError {
    #[error("failed to list the files with git: {why}")]
    List { why: String },
    #[error("failed to run git: {source}")]
    Git { source: io::Error },
    #[error("failed to find max_width in rustfmt.toml")]
    NoWidth,
    #[error("failed to read {path}: {source}")]
    Read { path: String, source: io::Error },
    #[error("failed to pass the tidy rules: {count} findings above")]
    Findings { count: usize },
}

/// A text file that git tracks or would track.
#[derive(Debug)]
struct Source {
    /// The path relative to the root.
    path: String,
    text: String,
}

impl Source {
    /// The file's name without folders.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The part of the name after the last dot, or nothing.
    fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// Checks every text file that git tracks or would track.
pub(super) fn run(project: &Project) -> Result<(), StepError> {
    let sources = sources(project)?;
    let home = std::env::home_dir();
    let folders = machine_path::folders(&project.root, home.as_deref());
    let rustfmt = sources.iter().find(|source| source.path == "rustfmt.toml");
    let width = rustfmt.and_then(|rustfmt| width::max_width(&rustfmt.text)).ok_or(TidyError::NoWidth)?;
    let mut findings = Vec::new();
    for source in &sources {
        findings.extend(length::check(source));
        findings.extend(name::check(source));
        findings.extend(pinned::check(source));
        findings.extend(secret_debug::check(source));
        findings.extend(type_name::check(source));
        findings.extend(width::check(source, width));
        findings.extend(word::check(source));
        findings.extend(machine_path::check(source, &folders));
    }
    let median = length::rust_median(&sources);
    report::say("lint", &format!("Rust files have a median of {median} lines"));
    findings.extend(length::check_median(median));
    for finding in &findings {
        report::line(&format!("    {finding}"));
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(TidyError::Findings { count }.into()),
    }
}

fn sources(project: &Project) -> Result<Vec<Source>, TidyError> {
    let mut git = project.command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = git.output().map_err(|source| TidyError::Git { source })?;
    if !listed.status.success() {
        let why = String::from_utf8_lossy(&listed.stderr).trim().to_owned();
        return Err(TidyError::List { why });
    }
    let mut sources = Vec::new();
    for path in listed.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        let path = String::from_utf8_lossy(path).into_owned();
        match fs::read_to_string(project.root.join(&path)) {
            Ok(text) => sources.push(Source { path, text }),
            // Deleted but not yet committed, or not a text file.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {}
            Err(source) => return Err(TidyError::Read { path, source }),
        }
    }
    Ok(sources)
}
