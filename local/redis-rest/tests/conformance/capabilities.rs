//! Differences between the engines that show through the server.

use redis_rest::engine::EngineKind;

/// What an engine supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Scripts may begin with `#!lua flags=…` (other than the flag that the server removes).
    pub(crate) script_flags: bool,
    /// EVAL_RO keeps scripts from writing. Otherwise the read-only token may not use it.
    pub(crate) read_only_scripts: bool,
    /// An unknown command or a wrong number of arguments discards the whole transaction. Otherwise the other
    /// commands are executed.
    pub(crate) discards: bool,
    /// FUNCTION and FCALL exist.
    pub(crate) functions: bool,
}

pub(crate) fn of(kind: EngineKind) -> Capabilities {
    match kind {
        EngineKind::Redis | EngineKind::Valkey => {
            Capabilities { script_flags: true, read_only_scripts: true, discards: true, functions: true }
        }
        EngineKind::Meebis => {
            Capabilities { script_flags: false, read_only_scripts: false, discards: false, functions: false }
        }
    }
}
