//! The functions' handlers in this process, each created from its entry in the template.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use aws_sdk_dynamodb::Client;
use cache::maintenance::Maintained;
use config::BadConfig;
use functions::app::{
    AuthApp, CartsApp, FoldApp, KeeperApp, ReadApp, ReportApp, ResolveApp, StreamApp, SyncApp,
};
use functions::handle;
use lambda_http::{Body, Request, Response};
use protocol::timestamp::Timestamp;
use protocol::wire::health::BreakerState;
use redis_client::error::RedisError;

use crate::dynamo::Dynamo;
use crate::dynamo::connector::Identity;
use crate::template::Template;
use crate::template::event_source::EventSource;
use crate::template::function::{Function, Variable};

/// A function with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Signs in and out.
    Auth,
    /// Takes batches.
    BatchPush,
    /// Gives changes.
    PullChanges,
    /// Settles conflicts.
    ResolveConflict,
    /// Counts.
    SyncStats,
    /// Shows, replays and discards what was rejected.
    DeadLetters,
    /// Gives records, one or several.
    Data,
    /// Keeps carts.
    Carts,
    /// Tells how the cache does.
    CacheReport,
    /// Fills the cache.
    CacheWarm,
}

/// A function that a stream calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamFunction {
    /// Tells the rooms what was committed.
    ChangeStream,
    /// Tells the cache what has changed.
    CacheInvalidate,
    /// Folds changes into their carts.
    CartFold,
}

impl StreamFunction {
    /// Every one.
    pub const ALL: [StreamFunction; 3] =
        [StreamFunction::ChangeStream, StreamFunction::CacheInvalidate, StreamFunction::CartFold];

    /// The function's binary.
    pub fn name(self) -> &'static str {
        match self {
            StreamFunction::ChangeStream => "change-stream",
            StreamFunction::CacheInvalidate => "cache-invalidate",
            StreamFunction::CartFold => "cart-fold",
        }
    }
}

/// The function that the schedule calls.
const CACHE_MAINTENANCE: &str = "cache-maintenance";

impl Route {
    /// Every one.
    pub const ALL: [Route; 10] = [
        Route::Auth,
        Route::BatchPush,
        Route::PullChanges,
        Route::ResolveConflict,
        Route::SyncStats,
        Route::DeadLetters,
        Route::Data,
        Route::Carts,
        Route::CacheReport,
        Route::CacheWarm,
    ];

    /// The function's binary.
    pub fn name(self) -> &'static str {
        match self {
            Route::Auth => "auth",
            Route::BatchPush => "batch-push",
            Route::PullChanges => "pull-changes",
            Route::ResolveConflict => "resolve-conflict",
            Route::SyncStats => "sync-stats",
            Route::DeadLetters => "dead-letters",
            Route::Data => "data",
            Route::Carts => "carts",
            Route::CacheReport => "cache-report",
            Route::CacheWarm => "cache-warm",
        }
    }
}

/// Why the handlers cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum HandlersError {
    /// The template lacks a function that the code has.
    #[error("failed to start the functions: the template has no function {0}")]
    Missing(&'static str),
    /// The template has no stream for a stream function.
    #[error("failed to start the functions: {0} has no stream in the template")]
    NoStream(&'static str),
    /// A function's environment is incomplete or invalid.
    #[error("failed to start {name}: {source}")]
    Config {
        /// Which function.
        name: &'static str,
        /// What is missing.
        source: BadConfig,
    },
}

/// All functions with their state, as warm Lambda instances would hold it.
pub struct Handlers {
    auth: AuthApp,
    batch_push: SyncApp,
    pull_changes: SyncApp,
    resolve_conflict: ResolveApp,
    sync_stats: ReadApp,
    dead_letters: SyncApp,
    data: ReadApp,
    carts: CartsApp,
    cache_report: ReportApp,
    cache_warm: ReadApp,
    change_stream: StreamApp,
    cache_invalidate: KeeperApp,
    cart_fold: FoldApp,
    cache_maintenance: KeeperApp,
}

/// What functions are made from.
struct Maker<'a> {
    template: &'a Template,
    dynamo: &'a Dynamo,
    settings: &'a BTreeMap<&'a str, String>,
}

impl Maker<'_> {
    /// The function `name`, made by `new` with its environment and its role from the template.
    fn make<A>(
        &self,
        name: &'static str,
        new: impl FnOnce(&dyn Fn(&str) -> Option<String>, Client) -> Result<A, BadConfig>,
    ) -> Result<A, HandlersError> {
        let function = self.template.functions.get(name).ok_or(HandlersError::Missing(name))?;
        let identity = Identity::Function { name: name.to_owned(), grants: function.grants.clone() };
        let made = new(&environment(function, self.settings), self.dynamo.client(identity));
        made.map_err(|source| HandlersError::Config { name, source })
    }
}

impl Handlers {
    /// Creates each function with its environment and role from `template`. `settings` are the values that
    /// a deployment would set.
    pub fn new(
        template: &Template,
        dynamo: &Dynamo,
        settings: &BTreeMap<&str, String>,
    ) -> Result<Handlers, HandlersError> {
        let maker = Maker { template, dynamo, settings };
        let sync = |route: Route| maker.make(route.name(), |lookup, client| SyncApp::new(lookup, client));
        let read = |route: Route| maker.make(route.name(), |lookup, client| ReadApp::new(lookup, client));
        let keeper = |name| maker.make(name, |lookup, _| KeeperApp::new(lookup));
        Ok(Handlers {
            auth: maker.make(Route::Auth.name(), |lookup, client| AuthApp::new(lookup, client))?,
            batch_push: sync(Route::BatchPush)?,
            pull_changes: sync(Route::PullChanges)?,
            resolve_conflict: maker
                .make(Route::ResolveConflict.name(), |lookup, client| ResolveApp::new(lookup, client))?,
            sync_stats: read(Route::SyncStats)?,
            dead_letters: sync(Route::DeadLetters)?,
            data: read(Route::Data)?,
            carts: maker.make(Route::Carts.name(), |lookup, client| CartsApp::new(lookup, client))?,
            cache_report: maker.make(Route::CacheReport.name(), |lookup, _| ReportApp::new(lookup))?,
            cache_warm: read(Route::CacheWarm)?,
            change_stream: maker
                .make(StreamFunction::ChangeStream.name(), |lookup, client| StreamApp::new(lookup, client))?,
            cache_invalidate: keeper(StreamFunction::CacheInvalidate.name())?,
            cart_fold: maker
                .make(StreamFunction::CartFold.name(), |lookup, client| FoldApp::new(lookup, client))?,
            cache_maintenance: keeper(CACHE_MAINTENANCE)?,
        })
    }

    /// Calls the function behind `route`.
    pub async fn call(&self, route: Route, request: Request, now: Timestamp) -> Response<Body> {
        match route {
            Route::Auth => handle::auth::handle(&self.auth, request, now).await,
            Route::BatchPush => handle::batch_push::handle(&self.batch_push, request, now).await,
            Route::PullChanges => handle::pull_changes::handle(&self.pull_changes, request, now).await,
            Route::ResolveConflict => {
                handle::resolve_conflict::handle(&self.resolve_conflict, request, now).await
            }
            Route::SyncStats => handle::sync_stats::handle(&self.sync_stats, request, now).await,
            Route::DeadLetters => handle::dead_letters::handle(&self.dead_letters, request, now).await,
            Route::Data => handle::data::handle(&self.data, request, now).await,
            Route::Carts => handle::carts::handle(&self.carts, request, now).await,
            Route::CacheReport => handle::cache_report::handle(&self.cache_report, request, now).await,
            Route::CacheWarm => handle::cache_warm::handle(&self.cache_warm, request, now).await,
        }
    }

    /// Delivers stream records to `function`.
    pub async fn deliver(
        &self,
        function: StreamFunction,
        event: Event,
        now: Timestamp,
    ) -> DynamoDbEventResponse {
        match function {
            StreamFunction::ChangeStream => {
                handle::change_stream::handle(&self.change_stream, event, now).await
            }
            StreamFunction::CacheInvalidate => {
                handle::cache_invalidate::handle(&self.cache_invalidate, event).await
            }
            StreamFunction::CartFold => handle::cart_fold::handle(&self.cart_fold, event, now).await,
        }
    }

    /// Whether the circuit breaker of a function is open; it stays open for a moment after Redis is back.
    pub fn is_redis_given_up(&self) -> bool {
        let caches = [
            &self.auth.cache,
            &self.resolve_conflict.cache,
            &self.sync_stats.cache,
            &self.data.cache,
            &self.carts.cache,
            &self.cache_report.cache,
            &self.cache_warm.cache,
            &self.cache_invalidate.cache,
            &self.cart_fold.cache,
            &self.cache_maintenance.cache,
        ];
        caches.into_iter().any(|cache| cache.breaker() == BreakerState::Open)
    }

    /// Calls `cache-maintenance`, which a schedule calls in AWS.
    pub async fn maintain(&self) -> Result<Maintained, RedisError> {
        handle::cache_maintenance::handle(&self.cache_maintenance).await
    }
}

/// Takes the event source of each stream function out of the template.
pub(crate) fn take_sources(
    template: &mut Template,
) -> Result<Vec<(StreamFunction, EventSource)>, HandlersError> {
    let source = |function: StreamFunction| {
        let entry = template.functions.get_mut(function.name());
        let entry = entry.ok_or(HandlersError::Missing(function.name()))?;
        Ok((function, entry.source.take().ok_or(HandlersError::NoStream(function.name()))?))
    };
    StreamFunction::ALL.into_iter().map(source).collect()
}

/// The environment of a function: exactly the names of its entry in the template.
fn environment(function: &Function, settings: &BTreeMap<&str, String>) -> impl Fn(&str) -> Option<String> {
    |name| match function.variables.get(name)? {
        Variable::Table(table) => Some(table.clone()),
        Variable::Setting => settings.get(name).cloned(),
        Variable::Default(default) => Some(settings.get(name).unwrap_or(default).clone()),
        Variable::Literal(text) => Some(text.clone()),
    }
}
