//! From the operation id of a forwarded request to its handler, by the table of endpoints.

use std::time::Instant;

use lambda_http::{Body, Request, Response};
use protocol::endpoints::Endpoint;
use protocol::error::{ApiError, ErrorCode};
use protocol::ids::ClientId;
use protocol::timestamp::Timestamp;
use protocol::wire::health::HEALTH_OPERATION;
use protocol::wire::presence::BRANCH_OPERATION;
use protocol::wire::session_end::EndedSessions;
use protocol::wire::{ENDED_HEADER, TOKEN_HEADER, push_group};

use super::error::HandlerError;
use super::request::FunctionRequest;
use super::request_lines::{AnsweredPush, CallReport};
use super::response::{HandlerResult, respond};
use crate::context::Context;
use crate::context::kind::FunctionKind;
use crate::dynamo::cost::Cost;
use crate::dynamo::timer::timed;
use crate::{accounts, cache_admin, carts, records, sync};

/// What a handler reports beside its result, also if it fails.
#[derive(Default)]
struct Report {
    /// Requests and capacity units at DynamoDB.
    cost: Cost,
    /// Sessions that the request ended, whose sockets the edge closes.
    ended: EndedSessions,
    /// The tenant of the caller.
    client: Option<ClientId>,
    /// The answers to the pushes of a group.
    grouped: Vec<AnsweredPush>,
}

/// Handles a request that arrived at `now`. Its path is `/{operation_id}`. The response has the lines about
/// it as an extension, [`RequestLines`](super::request_lines::RequestLines).
pub async fn handle(context: &Context, request: Request, now: Timestamp) -> Response<Body> {
    let began = Instant::now();
    let Some(operation) = operation(context.function(), request.uri().path()) else {
        return respond(&request, None, Err(unknown_operation()));
    };
    let mut report = Report::default();
    let (result, storage) = timed(run(context, operation, &request, now, &mut report)).await;
    // A group has its cost in the answers.
    let counts_cost = matches!(operation, Operation::Endpoint(endpoint) if endpoint.spec().counts_cost);
    let cost = counts_cost.then_some(&report.cost);
    let mut response = respond(&request, cost, result);
    if let (false, Ok(ended)) = (report.ended.is_empty(), report.ended.to_string().parse()) {
        response.headers_mut().insert(ENDED_HEADER, ended);
    }
    let Report { cost, client, grouped, .. } = &report;
    let (client, duration) = (client.as_ref(), began.elapsed());
    let (route, grouped) = match operation {
        // No push of it is answered: each comes again alone, and has its own line then.
        Operation::PushGroup if !response.status().is_success() => (push_group::OPERATION, None),
        Operation::PushGroup => (operation.endpoint().spec().operation_id, Some(grouped.as_slice())),
        _ => (operation.endpoint().spec().operation_id, None),
    };
    let told = CallReport { request: &request, now, route, client, cost, grouped, duration, storage };
    told.add_to(response)
}

async fn run(
    context: &Context,
    operation: Operation,
    request: &Request,
    now: Timestamp,
    report: &mut Report,
) -> HandlerResult {
    // Boxed, because the futures of all handlers together are large and deeply nested.
    let result = match operation {
        Operation::Endpoint(endpoint) => Box::pin(call(context, endpoint, request, now, report)).await,
        Operation::PushGroup => {
            let request = FunctionRequest::new(request, None, now);
            let Report { cost, grouped, client, .. } = report;
            Box::pin(sync::push_group::handle(context, &request, cost, grouped, client)).await
        }
        Operation::CheckHealth => sync::stats::check_health(context).await,
    };
    if let Ok(cache) = context.cache() {
        cache.flush_if_due().await;
    }
    if let Ok(sync) = context.sync() {
        sync.store.note_damage(now).await;
    }
    result
}

/// What the edge asks of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    /// A client's request.
    Endpoint(Endpoint),
    /// Several [`Endpoint::PushBatch`] requests at once.
    PushGroup,
    /// Whether the function reaches DynamoDB.
    CheckHealth,
}

impl Operation {
    /// The endpoint that clients call.
    fn endpoint(self) -> Endpoint {
        match self {
            Operation::Endpoint(endpoint) => endpoint,
            Operation::PushGroup => Endpoint::PushBatch,
            Operation::CheckHealth => Endpoint::GetReadiness,
        }
    }
}

/// The operation of a path, if this function serves it.
fn operation(function: FunctionKind, path: &str) -> Option<Operation> {
    let id = path.strip_prefix('/')?;
    let (endpoint, operation) = match id {
        push_group::OPERATION => (Endpoint::PushBatch, Operation::PushGroup),
        HEALTH_OPERATION => (Endpoint::GetSyncStats, Operation::CheckHealth),
        // The edge answers the request itself, if its branch exists.
        BRANCH_OPERATION => (Endpoint::GetSyncStats, Operation::Endpoint(Endpoint::GetPresence)),
        _ => Endpoint::of_operation(id).map(|endpoint| (endpoint, Operation::Endpoint(endpoint)))?,
    };
    (endpoint.spec().function.map(FunctionKind::Http) == Some(function)).then_some(operation)
}

/// Checks who asks, and calls the endpoint's handler.
async fn call(
    context: &Context,
    endpoint: Endpoint,
    http: &Request,
    now: Timestamp,
    report: &mut Report,
) -> HandlerResult {
    let token = http.headers().get(TOKEN_HEADER).and_then(|value| value.to_str().ok());
    let claims = context.caller(endpoint.spec().access, token, now, &mut report.client)?;
    let request = &FunctionRequest::new(http, claims, now);
    let Report { cost, ended, .. } = report;
    match endpoint {
        Endpoint::LogIn => accounts::login::handle(context, request, ended).await,
        Endpoint::RefreshSession => accounts::refresh::handle(context, request, ended).await,
        Endpoint::LogOut => accounts::logout::handle(context, request, ended).await,
        Endpoint::GetCurrentUser => accounts::me::handle(context, request).await,
        Endpoint::ListSessions => accounts::sessions::list(context, request).await,
        Endpoint::EndSessions => accounts::sessions::end(context, request, ended).await,
        Endpoint::PushBatch => sync::batch_push::handle(context, request, cost).await,
        Endpoint::PullChanges => sync::pull_changes::handle(context, request, cost).await,
        Endpoint::ResolveConflict => sync::resolve_conflict::handle(context, request, cost).await,
        Endpoint::GetSyncStats => sync::stats::handle(context, request, cost).await,
        Endpoint::GetPresence => sync::stats::check_branch(context, request, cost).await,
        Endpoint::GetDevice => sync::device::handle(context, request, cost).await,
        Endpoint::ListBranches => sync::list_branches::handle(context, request, cost).await,
        Endpoint::ListTables => sync::rules::list_tables(context, request),
        Endpoint::ListDeadLetters => sync::dead_letters::list(context, request, cost).await,
        Endpoint::ReplayDeadLetter => sync::dead_letters::replay(context, request, cost).await,
        Endpoint::DiscardDeadLetter => sync::dead_letters::discard(context, request, cost).await,
        Endpoint::GetRecord => records::get::handle(context, request, cost).await,
        Endpoint::BatchGetRecords => records::batch_get::handle(context, request, cost).await,
        Endpoint::GetCart => carts::get(context, request, cost).await,
        Endpoint::PutCart => carts::put(context, request, cost).await,
        Endpoint::DeleteCart => carts::delete(context, request, cost).await,
        Endpoint::GetCacheReport => cache_admin::report::report(context, request).await,
        Endpoint::GetCacheStats => cache_admin::report::stats(context, request).await,
        Endpoint::InvalidateCache => cache_admin::invalidate::handle(context, request).await,
        Endpoint::WarmCache => cache_admin::warm::handle(context, request, cost).await,
        // The edge serves these itself.
        Endpoint::OpenSocket
        | Endpoint::GetOpenApiDocument
        | Endpoint::GetHealth
        | Endpoint::GetReadiness
        | Endpoint::PublishChanges
        | Endpoint::CreateSocketTicket
        | Endpoint::StreamEvents => Err(not_found()),
    }
}

/// An edge of another version may forward an operation that this version does not know; a retry meets the
/// version that does.
fn unknown_operation() -> HandlerError {
    let message = "The service is being updated. Nothing is lost: send the same request again.";
    ApiError::new(ErrorCode::Unavailable, message).into()
}

fn not_found() -> HandlerError {
    ApiError::new(ErrorCode::NotFound, "There is nothing at this address.").into()
}

#[cfg(test)]
mod tests {
    use protocol::endpoints::ENDPOINTS;
    use protocol::endpoints::function::Function;

    use super::*;

    #[test]
    fn a_function_serves_the_operations_of_its_rows_and_nothing_else() {
        for spec in &ENDPOINTS {
            let path = format!("/{}", spec.operation_id);
            for function in FunctionKind::all() {
                let serves = spec.function.map(FunctionKind::Http) == Some(function);
                let expected = serves.then_some(Operation::Endpoint(spec.endpoint));
                assert_eq!(operation(function, &path), expected, "{path} {}", function.name());
            }
        }
        for function in FunctionKind::all() {
            let expected = (function == Function::BatchPush.into()).then_some(Operation::PushGroup);
            assert_eq!(operation(function, "/pushGroup"), expected, "{}", function.name());
            let expected = (function == Function::SyncStats.into()).then_some(Operation::CheckHealth);
            assert_eq!(operation(function, "/checkHealth"), expected, "{}", function.name());
            let expected = expected.map(|_| Operation::Endpoint(Endpoint::GetPresence));
            assert_eq!(operation(function, "/checkBranch"), expected, "{}", function.name());
        }
        for path in ["", "/", "/other", "pushBatch", "/pushBatch/", "/api/sync/batch-push", "/PushBatch"] {
            assert_eq!(operation(Function::BatchPush.into(), path), None, "{path}");
        }
    }
}
