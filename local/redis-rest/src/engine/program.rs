//! Finds the programs that are a Redis, and sets their arguments.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::EngineError;

/// After which time of a script the engine listens to SCRIPT KILL. Until then it does nothing else at all.
const BUSY_AFTER: Duration = Duration::from_secs(2);

/// A kind of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// `redis-server`.
    Redis,
    /// `valkey-server`.
    Valkey,
}

/// An installed Redis.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) kind: EngineKind,
    pub(super) path: PathBuf,
}

impl EngineKind {
    const ALL: [EngineKind; 2] = [EngineKind::Redis, EngineKind::Valkey];

    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            EngineKind::Redis => "redis-server",
            EngineKind::Valkey => "valkey-server",
        }
    }

    fn find(self) -> Option<PathBuf> {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(self.name())).find(|program| program.is_file())
    }
}

impl Program {
    /// A program of this kind, or the first that is installed.
    pub(super) fn find(kind: Option<EngineKind>) -> Result<Program, EngineError> {
        let kinds = kind.map_or(EngineKind::ALL.to_vec(), |kind| vec![kind]);
        let found = kinds.into_iter().find_map(|kind| Some(Program { kind, path: kind.find()? }));
        found.ok_or(kind.map_or(EngineError::NotFound, |kind| EngineError::KindNotFound(kind.name())))
    }

    pub(super) fn available() -> Vec<EngineKind> {
        EngineKind::ALL.into_iter().filter(|kind| kind.find().is_some()).collect()
    }

    /// Makes it listen only on loopback, require the password, and log its writes into `folder`: so that it
    /// can be ended and started again without losing them. The system may write the log to the disk when it
    /// likes.
    pub(super) fn arguments(port: u16, password: &str, folder: &Path) -> Vec<String> {
        let (port, folder) = (port.to_string(), folder.to_string_lossy());
        let busy_after = BUSY_AFTER.as_millis().to_string();
        let network = ["--port", &port, "--bind", "127.0.0.1", "--requirepass", password];
        let data = ["--dir", &folder, "--save", "", "--appendonly", "yes", "--appendfsync", "no"];
        // The old name, which every version knows.
        let rest = ["--lua-time-limit", &busy_after, "--loglevel", "warning"];
        network.into_iter().chain(data).chain(rest).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_listens_on_loopback_and_writes_only_into_its_folder() {
        let words = Program::arguments(6379, "secret", Path::new("/folder")).join(" ");
        assert!(
            words.starts_with("--port 6379 --bind 127.0.0.1 --requirepass secret --dir /folder "),
            "{words}"
        );
    }
}
