//! The functions' handlers in this process, each made from its own entry in the template.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use functions::app::{AuthApp, StreamApp, SyncApp};
use functions::handle;
use lambda_http::{Body, Request, Response};
use shared::config::BadConfig;
use shared::micros::Micros;

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
}

/// The function that the stream calls.
const CHANGE_STREAM: &str = "change-stream";

impl Route {
    /// Every one.
    pub const ALL: [Route; 6] = [
        Route::Auth,
        Route::BatchPush,
        Route::PullChanges,
        Route::ResolveConflict,
        Route::SyncStats,
        Route::DeadLetters,
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
        }
    }
}

/// Why there are no handlers.
#[derive(Debug, thiserror::Error)]
pub enum HandlersError {
    /// The template lacks a function that the code has.
    #[error("failed to start the functions: the template has no function {0}")]
    Missing(&'static str),
    /// The function that delivers the stream has no stream.
    #[error("failed to start the functions: {CHANGE_STREAM} has no stream in the template")]
    NoStream,
    /// The template does not tell a function what it needs to know.
    #[error("failed to start {name}: {source}")]
    Config {
        /// Which function.
        name: &'static str,
        /// What is missing.
        source: BadConfig,
    },
}

/// All functions, as Lambda would hold them warm.
pub struct Handlers {
    auth: AuthApp,
    batch_push: SyncApp,
    pull_changes: SyncApp,
    resolve_conflict: SyncApp,
    sync_stats: SyncApp,
    dead_letters: SyncApp,
    change_stream: StreamApp,
}

impl Handlers {
    /// Makes each function with its environment and its role from `template`; `settings` are the values
    /// that somebody who deploys it would set.
    pub fn new(
        template: &Template,
        dynamo: &Dynamo,
        settings: &BTreeMap<&str, String>,
    ) -> Result<Handlers, HandlersError> {
        let get = |name| template.functions.get(name).ok_or(HandlersError::Missing(name));
        let client = |name: &str, function: &Function| {
            dynamo.client(Identity::Function { name: name.to_owned(), grants: function.grants.clone() })
        };
        let of = |route: Route| get(route.name()).map(|function| (route.name(), function));
        let bad = |name| move |source| HandlersError::Config { name, source };
        let sync = |route: Route| {
            let (name, function) = of(route)?;
            SyncApp::new(environment(function, settings), client(name, function)).map_err(bad(name))
        };
        let (name, function) = of(Route::Auth)?;
        let auth = AuthApp::new(environment(function, settings), client(name, function));
        let stream = get(CHANGE_STREAM)?;
        let change_stream = StreamApp::new(environment(stream, settings), client(CHANGE_STREAM, stream));
        Ok(Handlers {
            auth: auth.map_err(bad(name))?,
            batch_push: sync(Route::BatchPush)?,
            pull_changes: sync(Route::PullChanges)?,
            resolve_conflict: sync(Route::ResolveConflict)?,
            sync_stats: sync(Route::SyncStats)?,
            dead_letters: sync(Route::DeadLetters)?,
            change_stream: change_stream.map_err(bad(CHANGE_STREAM))?,
        })
    }

    /// Calls the function behind `route`.
    pub async fn call(&self, route: Route, request: Request, now: Micros) -> Response<Body> {
        match route {
            Route::Auth => handle::auth::handle(&self.auth, request, now).await,
            Route::BatchPush => handle::batch_push::handle(&self.batch_push, request, now).await,
            Route::PullChanges => handle::pull_changes::handle(&self.pull_changes, request, now).await,
            Route::ResolveConflict => {
                handle::resolve_conflict::handle(&self.resolve_conflict, request, now).await
            }
            Route::SyncStats => handle::sync_stats::handle(&self.sync_stats, request, now).await,
            Route::DeadLetters => handle::dead_letters::handle(&self.dead_letters, request, now).await,
        }
    }

    /// Hands stream records to `change-stream`.
    pub async fn deliver(&self, event: Event, now: Micros) -> DynamoDbEventResponse {
        handle::change_stream::handle(&self.change_stream, event, now).await
    }
}

/// Takes out of the template what calls `change-stream`.
pub(crate) fn take_source(template: &mut Template) -> Result<EventSource, HandlersError> {
    let function = template.functions.get_mut(CHANGE_STREAM).ok_or(HandlersError::Missing(CHANGE_STREAM))?;
    function.source.take().ok_or(HandlersError::NoStream)
}

/// What a function can look up: the names of its entry in the template, and nothing else.
fn environment(function: &Function, settings: &BTreeMap<&str, String>) -> impl Fn(&str) -> Option<String> {
    |name| match function.variables.get(name)? {
        Variable::Table(table) => Some(table.clone()),
        Variable::Setting => settings.get(name).cloned(),
        Variable::Default(default) => Some(settings.get(name).unwrap_or(default).clone()),
        Variable::Literal(text) => Some(text.clone()),
    }
}
