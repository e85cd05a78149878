//! The functions of a deployment and the parts that each is made of.

use protocol::endpoints::function::Function;

/// A function of the deployment, by what invokes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FunctionKind {
    /// Its URL.
    Http(Function),
    /// A table's stream.
    Stream(StreamFunction),
    /// A schedule: the daily maintenance of the cache.
    CacheMaintenance,
    /// A schedule: once a minute, tells rooms what `change-stream` could not.
    Redelivery,
}

/// A function that a table's stream invokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StreamFunction {
    /// Publishes commits to rooms.
    ChangeStream,
    /// Invalidates cached records that have changed.
    CacheInvalidate,
    /// Compacts pending changes into their carts.
    CartCompact,
}

/// A part of a [`super::Context`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Verifies access tokens.
    Verifier,
    /// Only the registry of branches in the sync table.
    Branches,
    /// The sync table with its registry of branches, and the sync rules.
    Sync,
    /// The accounts table and the signer of access tokens.
    Accounts,
    /// The carts table.
    Carts,
    /// The cache and the session registry.
    Redis,
    /// Publishes to the edge.
    Publisher,
    /// The keys that seal cursors.
    Cursors,
}

impl StreamFunction {
    /// Every stream function.
    pub const ALL: [StreamFunction; 3] =
        [StreamFunction::ChangeStream, StreamFunction::CacheInvalidate, StreamFunction::CartCompact];

    /// The name of the function's binary, and of its entry in template.yaml.
    pub fn name(self) -> &'static str {
        match self {
            StreamFunction::ChangeStream => "change-stream",
            StreamFunction::CacheInvalidate => "cache-invalidate",
            StreamFunction::CartCompact => "cart-compact",
        }
    }
}

impl FunctionKind {
    /// Every function.
    pub fn all() -> impl Iterator<Item = FunctionKind> {
        let http = Function::ALL.into_iter().map(FunctionKind::Http);
        let stream = StreamFunction::ALL.into_iter().map(FunctionKind::Stream);
        http.chain(stream).chain([FunctionKind::CacheMaintenance, FunctionKind::Redelivery])
    }

    /// The name of the function's binary, and of its entry in template.yaml.
    pub fn name(self) -> &'static str {
        match self {
            FunctionKind::Http(function) => function.name(),
            FunctionKind::Stream(function) => function.name(),
            FunctionKind::CacheMaintenance => "cache-maintenance",
            FunctionKind::Redelivery => "change-redelivery",
        }
    }

    /// What the function is made of. Its environment in template.yaml has the names of these parts and no
    /// others.
    pub(super) fn parts(self) -> &'static [Part] {
        match self {
            FunctionKind::Http(Function::BatchPush | Function::DeadLetters) => &[Part::Verifier, Part::Sync],
            FunctionKind::Http(Function::PullChanges) => &[Part::Verifier, Part::Sync, Part::Cursors],
            FunctionKind::Http(
                Function::ResolveConflict | Function::SyncStats | Function::Data | Function::CacheWarm,
            ) => &[Part::Verifier, Part::Sync, Part::Redis],
            FunctionKind::Http(Function::Auth) => &[Part::Verifier, Part::Accounts, Part::Redis],
            FunctionKind::Http(Function::Carts) => {
                &[Part::Verifier, Part::Branches, Part::Carts, Part::Redis]
            }
            FunctionKind::Http(Function::CacheAdmin) => &[Part::Verifier, Part::Redis],
            FunctionKind::Stream(StreamFunction::ChangeStream) | FunctionKind::Redelivery => {
                &[Part::Sync, Part::Publisher]
            }
            FunctionKind::Stream(StreamFunction::CartCompact) => &[Part::Carts, Part::Redis],
            // It skips damaged records of the sync table's stream into that table.
            FunctionKind::Stream(StreamFunction::CacheInvalidate) => &[Part::Sync, Part::Redis],
            FunctionKind::CacheMaintenance => &[Part::Redis],
        }
    }
}

impl From<Function> for FunctionKind {
    fn from(function: Function) -> FunctionKind {
        FunctionKind::Http(function)
    }
}

impl From<StreamFunction> for FunctionKind {
    fn from(function: StreamFunction) -> FunctionKind {
        FunctionKind::Stream(function)
    }
}
