//! Finds the programs that are a Redis, and sets their arguments.

use std::env;
use std::path::{Path, PathBuf};

use super::EngineError;

/// Path of the `meebis` that `cargo xtask` has installed.
const MEEBIS_VARIABLE: &str = "MEEBIS_BIN";

/// A kind of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// `redis-server`.
    Redis,
    /// `valkey-server`.
    Valkey,
    /// `meebis`, a small Redis for development that cargo can install.
    Meebis,
}

/// An installed Redis.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) kind: EngineKind,
    pub(super) path: PathBuf,
}

impl EngineKind {
    const ALL: [EngineKind; 3] = [EngineKind::Redis, EngineKind::Valkey, EngineKind::Meebis];

    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            EngineKind::Redis => "redis-server",
            EngineKind::Valkey => "valkey-server",
            EngineKind::Meebis => "meebis",
        }
    }

    fn find(self) -> Option<PathBuf> {
        match self {
            EngineKind::Redis | EngineKind::Valkey => on_path(self.name()),
            EngineKind::Meebis => env::var_os(MEEBIS_VARIABLE)
                .map(PathBuf::from)
                .filter(|path| path.is_file())
                .or_else(|| on_path(self.name()))
                .or_else(installed_meebis),
        }
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

    /// Makes it listen only on loopback, require the password and write nothing to disk.
    pub(super) fn arguments(&self, port: u16, password: &str) -> Vec<String> {
        let port = port.to_string();
        let mut words = vec!["--port", &port, "--bind", "127.0.0.1", "--requirepass", password];
        match self.kind {
            EngineKind::Redis | EngineKind::Valkey => {
                words.extend(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
            }
            EngineKind::Meebis => words.extend(["--loglevel", "nothing"]),
        }
        words.into_iter().map(str::to_owned).collect()
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Where `cargo xtask` installs it, for tests that run without it: `meebis-<version>/bin/meebis`.
fn installed_meebis() -> Option<PathBuf> {
    let named = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let below_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let cache = named.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(below_home)))?;
    let tools = cache.join("tillsync").join("tools").read_dir().ok()?;
    let mut folders: Vec<PathBuf> = tools
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("meebis-"))
        .map(|entry| entry.path().join("bin").join("meebis"))
        .filter(|program| program.is_file())
        .collect();
    folders.sort();
    folders.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_listens_on_loopback_and_stays_off_the_disk() {
        for kind in EngineKind::ALL {
            let program = Program { kind, path: PathBuf::from(kind.name()) };
            let words = program.arguments(6379, "secret").join(" ");
            assert!(words.starts_with("--port 6379 --bind 127.0.0.1 --requirepass secret"), "{words}");
            assert!(!words.contains("dumpfile"), "{words}");
        }
        let redis = Program { kind: EngineKind::Redis, path: PathBuf::new() };
        assert!(redis.arguments(1, "p").join(" ").contains("--save  --appendonly no"));
    }
}
