//! From a request to its response, by the table of endpoints.

use std::cell::OnceCell;
use std::rc::Rc;

use protocol::endpoints::Endpoint;
use protocol::endpoints::route::Route;
use protocol::error::{ApiError, ErrorCode};
use protocol::telemetry::{NO_ROUTE, PREFLIGHT};
use worker::{Context, Delay, Env, console_error};

use crate::context::RequestContext;
use crate::cors::{self, PageOrigin};
use crate::error::RequestError;
use crate::handlers::{events, openapi, presence, publish, pull, sign_in, socket, socket_ticket, write};
use crate::readiness;
use crate::request::Request;
use crate::request_id::RequestId;
use crate::response::{self, Response};
use crate::revalidation;
use crate::state::AppState;
use crate::telemetry::Observation;

pub(crate) async fn serve(request: Request, env: Env, execution: Context) -> worker::Result<Response> {
    let (id, observation) = (RequestId::new(), Rc::new(Observation::of(&request)));
    let origin = PageOrigin::of(&request, &env)?;
    let (route, mut response) = match cors::preflight(&request, &origin) {
        Some(preflight) => (PREFLIGHT, or_error(preflight, &id, |_| {})),
        None => respond(request, env.clone(), execution, (&id, &origin), &observation).await,
    };
    response::finish(&mut response, &id);
    observation.finish(&mut response, &id, route, &env);
    cors::finish(&mut response, &origin);
    Ok(response)
}

/// The response, and the operation id of its endpoint.
async fn respond(
    request: Request,
    env: Env,
    execution: Context,
    (id, origin): (&RequestId, &PageOrigin),
    observation: &Rc<Observation>,
) -> (&'static str, Response) {
    match context(request, env, execution, (id, origin), observation) {
        Ok(context) => {
            // Shared, because a stream goes on after the response.
            let context = Rc::new(context);
            let endpoint = context.route.endpoint;
            // Neither the path, which may name a record, nor the query, which may hold a token.
            let log = |error: &RequestError| console_error!("{id} {endpoint:?}: {error}");
            let result = handle(&context).await.and_then(|response| tagged(&context, response));
            let mut response = or_error(result, id, log);
            response::limited(&mut response, context.decision.get());
            (context.spec().operation_id, response)
        }
        Err(error) => (NO_ROUTE, or_error(Err(error), id, |error| console_error!("{id}: {error}"))),
    }
}

/// Converts the result into a response and logs faults.
fn or_error(result: Result<Response, RequestError>, id: &RequestId, log: impl Fn(&RequestError)) -> Response {
    result.unwrap_or_else(|error| {
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
    (id, origin): (&RequestId, &PageOrigin),
    observation: &Rc<Observation>,
) -> Result<RequestContext, RequestError> {
    let route = Route::find(&request.method, request.path()).map_err(RequestError::NoRoute)?;
    // Also for `/healthz`: an edge that lacks a setting is not healthy.
    let state = AppState::of(&env)?;
    let (id, origin, now, decision) = (id.clone(), origin.clone(), observation.began_at, OnceCell::new());
    let observation = Rc::clone(observation);
    Ok(RequestContext { request, env, execution, state, id, origin, now, route, decision, observation })
}

/// The edge answers eight endpoints itself and forwards the others.
async fn handle(context: &Rc<RequestContext>) -> Result<Response, RequestError> {
    let spec = context.spec();
    match spec.endpoint {
        Endpoint::OpenSocket => socket::handle(context).await,
        Endpoint::StreamEvents => events::handle(context).await,
        Endpoint::GetOpenApiDocument => openapi::handle(),
        Endpoint::GetHealth => Ok(Response::json(200, br#"{"status":"ok"}"#.to_vec())),
        Endpoint::GetReadiness => get_readiness(context).await,
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
    Ok(revalidation::tagged(response, context.header("if-none-match")?.as_deref()))
}

/// Public: the response holds no secret, and a recent one is used again.
async fn get_readiness(context: &RequestContext) -> Result<Response, RequestError> {
    let (state, probe) = (&context.state, readiness::probe(context));
    let pause = async |time| Delay::from(time).await;
    let readiness = state.readiness.check(&state.redis, probe, pause, context.now).await;
    let missing = readiness.missing();
    if missing.is_empty() {
        return Ok(response::of(&readiness)?);
    }
    let message = format!("These parts do not respond: {}.", missing.join(", "));
    Err(ApiError::new(ErrorCode::Unavailable, message).with_details(&readiness).into())
}
