//! From the operation id of a forwarded request to its handler, by the table of endpoints.

use lambda_http::{Body, Request, Response};
use protocol::claims::Claims;
use protocol::endpoints::Endpoint;
use protocol::endpoints::spec::Access;
use protocol::error::{ApiError, ErrorCode};
use protocol::timestamp::Timestamp;
use protocol::wire::ENDED_HEADER;
use protocol::wire::session_end::EndedSessions;

use super::error::HandlerError;
use super::request::FunctionRequest;
use super::response::{HandlerResult, respond};
use crate::context::Context;
use crate::context::kind::FunctionKind;
use crate::dynamo::cost::Cost;
use crate::{accounts, cache_admin, carts, records, sync};

/// What a handler reports beside its result, also if it fails.
#[derive(Default)]
struct Report {
    /// Requests and capacity units at DynamoDB.
    cost: Cost,
    /// Sessions that the request ended, whose sockets the edge closes.
    ended: EndedSessions,
}

/// Handles a request that arrived at `now`. Its path is `/{operation_id}`.
pub async fn handle(context: &Context, request: Request, now: Timestamp) -> Response<Body> {
    let Some(endpoint) = endpoint(context.function(), request.uri().path()) else {
        return respond(&request, None, Err(unknown_operation()));
    };
    let mut report = Report::default();
    // Boxed, because the futures of all handlers together are large and deeply nested.
    let result = Box::pin(call(context, endpoint, &request, now, &mut report)).await;
    if let Ok(cache) = context.cache() {
        cache.flush_if_due().await;
    }
    if let Ok(sync) = context.sync() {
        sync.store.note_damage(now).await;
    }
    let cost = endpoint.spec().counts_cost.then_some(&report.cost);
    let mut response = respond(&request, cost, result);
    if let (false, Ok(ended)) = (report.ended.is_empty(), report.ended.to_string().parse()) {
        response.headers_mut().insert(ENDED_HEADER, ended);
    }
    response
}

/// The endpoint of a path, if this function serves it.
fn endpoint(function: FunctionKind, path: &str) -> Option<Endpoint> {
    let endpoint = Endpoint::of_operation(path.strip_prefix('/')?)?;
    (endpoint.spec().function.map(FunctionKind::Http) == Some(function)).then_some(endpoint)
}

/// Checks who asks, and calls the endpoint's handler.
async fn call(
    context: &Context,
    endpoint: Endpoint,
    http: &Request,
    now: Timestamp,
    report: &mut Report,
) -> HandlerResult {
    let claims = authorize(context, endpoint.spec().access, http, now)?;
    let request = &FunctionRequest::new(http, claims, now);
    let Report { cost, ended } = report;
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
        | Endpoint::PublishChanges => Err(not_found()),
    }
}

/// The caller's claims, if the endpoint needs a token; refused if the caller's role is too low.
fn authorize(
    context: &Context,
    access: Access,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Claims>, HandlerError> {
    match access {
        Access::Public | Access::Signature => Ok(None),
        Access::Token => Ok(Some(context.claims(request, now)?)),
        Access::Role(role) => {
            let claims = context.claims(request, now)?;
            claims.at_least(role)?;
            Ok(Some(claims))
        }
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
                let expected = spec.function.map(FunctionKind::Http) == Some(function);
                assert_eq!(endpoint(function, &path).is_some(), expected, "{path} {}", function.name());
            }
        }
        for path in ["", "/", "/other", "pushBatch", "/pushBatch/", "/api/sync/batch-push", "/PushBatch"] {
            assert_eq!(endpoint(Function::BatchPush.into(), path), None, "{path}");
        }
    }
}
