//! From a request to its response, by the table of endpoints.

use std::cell::OnceCell;
use std::rc::Rc;

use protocol::endpoints::Endpoint;
use protocol::endpoints::route::Route;
use worker::{Context, Env, Request, Response, console_error};

use crate::clock;
use crate::context::RequestContext;
use crate::cors::{self, PageOrigin};
use crate::error::RequestError;
use crate::handlers::{events, openapi, presence, publish, pull, sign_in, socket, socket_ticket, write};
use crate::request_id::RequestId;
use crate::response;
use crate::revalidation;
use crate::state::AppState;

pub(crate) async fn serve(request: Request, env: Env, execution: Context) -> worker::Result<Response> {
    let id = RequestId::new();
    let origin = PageOrigin::of(&request, &env)?;
    let response = match cors::preflight(&request, &origin) {
        Some(preflight) => or_error(preflight, &id, |_| {})?,
        None => respond(request, env, execution, &id, &origin).await?,
    };
    cors::finish(response::finish(response, &id)?, &origin)
}

async fn respond(
    request: Request,
    env: Env,
    execution: Context,
    id: &RequestId,
    origin: &PageOrigin,
) -> worker::Result<Response> {
    match context(request, env, execution, id, origin) {
        Ok(context) => {
            // Shared, because a stream goes on after the response.
            let context = Rc::new(context);
            let endpoint = context.route.endpoint;
            // Neither the path, which may name a record, nor the query, which may hold a token.
            let log = |error: &RequestError| console_error!("{id} {endpoint:?}: {error}");
            let response =
                or_error(handle(&context).await.and_then(|response| tagged(&context, response)), id, log)?;
            response::limited(response, context.decision.get())
        }
        Err(error) => or_error(Err(error), id, |error| console_error!("{id}: {error}")),
    }
}

/// Converts the result into a response and logs faults.
fn or_error(
    result: Result<Response, RequestError>,
    id: &RequestId,
    log: impl Fn(&RequestError),
) -> worker::Result<Response> {
    result.or_else(|error| {
        if error.is_fault() {
            log(&error);
        }
        response::error(&error, id)
    })
}

fn context(
    request: Request,
    env: Env,
    execution: Context,
    id: &RequestId,
    origin: &PageOrigin,
) -> Result<RequestContext, RequestError> {
    let route = Route::find(&request.inner().method(), &request.path()).map_err(RequestError::NoRoute)?;
    // Also for `/healthz`: an edge that lacks a setting is not healthy.
    let state = AppState::of(&env)?;
    let (id, origin, now, decision) = (id.clone(), origin.clone(), clock::now(), OnceCell::new());
    Ok(RequestContext { request, env, execution, state, id, origin, now, route, decision })
}

/// The edge answers eight endpoints itself and forwards the others.
async fn handle(context: &Rc<RequestContext>) -> Result<Response, RequestError> {
    let spec = context.spec();
    match spec.endpoint {
        Endpoint::OpenSocket => socket::handle(context).await,
        Endpoint::StreamEvents => events::handle(context).await,
        Endpoint::GetOpenApiDocument => openapi::handle(),
        Endpoint::GetHealth => Ok(response::json(r#"{"status":"ok"}"#)?),
        Endpoint::GetReadiness => readiness(context).await,
        Endpoint::GetPresence => presence::handle(context).await,
        Endpoint::PublishChanges => publish::handle(context).await,
        Endpoint::CreateSocketTicket => socket_ticket::handle(context).await,
        Endpoint::PullChanges => pull::handle(context).await,
        _ if !spec.needs_token() => sign_in::handle(context).await,
        _ if spec.publishes => write::handle(context).await,
        _ => Ok(context.forward_with_token().await?.into_response()?),
    }
}

/// The response with its tag, or 304 if the caller has it.
fn tagged(context: &RequestContext, response: Response) -> Result<Response, RequestError> {
    if !context.spec().revalidates {
        return Ok(response);
    }
    Ok(revalidation::tagged(response, context.header("if-none-match")?.as_deref())?)
}

/// Public: the response holds no secret, and a recent one is used again.
async fn readiness(context: &RequestContext) -> Result<Response, RequestError> {
    let readiness = context.state.readiness.check(&context.state.redis, context.now).await;
    let body = serde_json::to_string(&readiness).map_err(worker::Error::from)?;
    Ok(response::json(&body)?)
}
