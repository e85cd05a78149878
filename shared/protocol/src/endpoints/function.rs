//! The Lambda functions that answer requests.

/// A function with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// Users, passwords and sessions.
    Auth,
    /// Pushes.
    BatchPush,
    /// Pulls.
    PullChanges,
    /// Resolved conflicts.
    ResolveConflict,
    /// Figures of a branch.
    SyncStats,
    /// Rejected records.
    DeadLetters,
    /// Reads of records.
    Data,
    /// Carts.
    Carts,
    /// Reports and invalidation of the cache.
    CacheAdmin,
    /// Warm-up of the cache, which reads the sync table.
    CacheWarm,
}

impl Function {
    /// Every function with a URL.
    pub const ALL: [Function; 10] = [
        Function::Auth,
        Function::BatchPush,
        Function::PullChanges,
        Function::ResolveConflict,
        Function::SyncStats,
        Function::DeadLetters,
        Function::Data,
        Function::Carts,
        Function::CacheAdmin,
        Function::CacheWarm,
    ];

    /// The name of the function's binary, and of its entry in template.yaml.
    pub fn name(self) -> &'static str {
        match self {
            Function::Auth => "auth",
            Function::BatchPush => "batch-push",
            Function::PullChanges => "pull-changes",
            Function::ResolveConflict => "resolve-conflict",
            Function::SyncStats => "sync-stats",
            Function::DeadLetters => "dead-letters",
            Function::Data => "data",
            Function::Carts => "carts",
            Function::CacheAdmin => "cache-admin",
            Function::CacheWarm => "cache-warm",
        }
    }

    /// The variable that tells the edge the function's URL, such as `BATCH_PUSH_FUNCTION_URL`.
    pub fn url_variable(self) -> String {
        format!("{}_FUNCTION_URL", self.name().replace('-', "_").to_uppercase())
    }
}
