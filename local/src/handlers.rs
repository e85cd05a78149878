//! The functions in this process, each with the environment and the role of its entry in the template.

use std::collections::BTreeMap;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use cache::maintenance::Maintained;
use config::BadConfig;
use functions::cache_admin::maintenance;
use functions::context::Context;
use functions::context::kind::{FunctionKind, StreamFunction};
use functions::http::dispatch;
use functions::http::error::HandlerError;
use functions::stream;
use functions::sync::redelivery;
use lambda_http::{Body, Request, Response};
use protocol::endpoints::function::Function;
use protocol::timestamp::Timestamp;
use protocol::wire::health::BreakerState;

use crate::dynamo::Dynamo;
use crate::dynamo::connector::Identity;
use crate::telemetry::Telemetry;
use crate::template::Template;
use crate::template::event_source::EventSource;
use crate::template::function::{self, Variable};

/// Why the functions cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HandlersError {
    /// The template lacks a function.
    #[error("failed to start the functions: the template has no function {0}")]
    Missing(&'static str),
    /// A stream function has no stream.
    #[error("failed to start the functions: {0} has no stream in the template")]
    NoStream(&'static str),
    /// A function's environment in the template is incomplete or wrong.
    #[error("failed to start {name}: {source}")]
    Config {
        /// The function.
        name: &'static str,
        /// The missing or bad variables.
        source: BadConfig,
    },
}

/// All functions, as Lambda keeps them warm.
pub struct Handlers {
    contexts: BTreeMap<FunctionKind, Context>,
    telemetry: Telemetry,
}

impl Handlers {
    /// Creates each function with its environment and role from `template`. `settings` are the values that
    /// a deployment sets.
    pub fn new(
        template: &Template,
        dynamo: &Dynamo,
        settings: &BTreeMap<&str, String>,
        telemetry: Telemetry,
    ) -> Result<Handlers, HandlersError> {
        let context = |kind: FunctionKind| {
            let name = kind.name();
            let function = template.functions.get(name).ok_or(HandlersError::Missing(name))?;
            let identity = Identity::Function { name: name.to_owned(), grants: function.grants.clone() };
            let context = Context::new(kind, environment(function, settings), &dynamo.client(identity));
            Ok((kind, context.map_err(|source| HandlersError::Config { name, source })?))
        };
        let contexts = FunctionKind::all().map(context).collect::<Result<_, _>>()?;
        Ok(Handlers { contexts, telemetry })
    }

    /// Calls `function` as its URL does.
    pub async fn call(&self, function: Function, request: Request, now: Timestamp) -> Response<Body> {
        let response = dispatch::handle(self.context(function), request, now).await;
        response.extensions().get().into_iter().for_each(|lines| self.telemetry.function_lines(lines));
        response
    }

    /// Delivers stream records to `function`.
    pub async fn deliver(
        &self,
        function: StreamFunction,
        event: Event,
        now: Timestamp,
    ) -> Result<DynamoDbEventResponse, HandlerError> {
        stream::handle(self.context(function), function, event, now).await
    }

    /// Whether the circuit breaker of a function is open; it stays open for a moment after Redis is back.
    pub fn is_redis_given_up(&self) -> bool {
        let is_open =
            |context: &Context| context.cache().is_ok_and(|cache| cache.breaker() == BreakerState::Open);
        self.contexts.values().any(is_open)
    }

    /// Calls `cache-maintenance`, as its schedule does.
    pub async fn maintain(&self) -> Result<Maintained, HandlerError> {
        maintenance::handle(self.context(FunctionKind::CacheMaintenance)).await
    }

    /// Calls `change-redelivery`, as its schedule does.
    pub async fn redeliver(&self) -> Result<usize, HandlerError> {
        redelivery::handle(self.context(FunctionKind::Redelivery), functions::start::now()).await
    }

    #[allow(clippy::indexing_slicing, reason = "`new` creates the context of every function")]
    fn context(&self, function: impl Into<FunctionKind>) -> &Context {
        &self.contexts[&function.into()]
    }
}

/// Takes each stream function's event source out of the template.
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

/// The environment of a function: the variables of its entry in the template and no others.
fn environment(
    function: &function::Function,
    settings: &BTreeMap<&str, String>,
) -> impl Fn(&str) -> Option<String> {
    |name| match function.variables.get(name)? {
        Variable::Table(table) => Some(table.clone()),
        Variable::Setting => settings.get(name).cloned(),
        Variable::Default(default) => Some(settings.get(name).unwrap_or(default).clone()),
        Variable::Literal(text) => Some(text.clone()),
    }
}
