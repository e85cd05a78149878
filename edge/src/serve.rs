//! From a request to its answer, by way of its route.

use std::cell::OnceCell;

use worker::{Context, Env, Request, Response, console_error};

use crate::answer;
use crate::clock;
use crate::door::Door;
use crate::error::RequestError;
use crate::functions::Function;
use crate::openapi;
use crate::publish;
use crate::pushed;
use crate::ready;
use crate::request_id::RequestId;
use crate::route::Route;
use crate::sign_in;
use crate::visit::Visit;
use crate::ws;

/// Answers a request, whatever happens.
pub(crate) async fn serve(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let id = RequestId::new();
    let response = match arrive(request, env, context, &id) {
        Ok(visit) => {
            let route = visit.route;
            // Not the path, which may name a record, nor the query, which may hold a token.
            let log = |error: &RequestError| console_error!("{id} {route:?}: {error}");
            let response = told(handle(&visit).await, &id, log)?;
            answer::limited(response, visit.decision.get())?
        }
        Err(error) => told(Err(error), &id, |error| console_error!("{id}: {error}"))?,
    };
    answer::finish(response, &id)
}

/// The answer that `result` is told by; what is for us to look into is logged.
fn told(
    result: Result<Response, RequestError>,
    id: &RequestId,
    log: impl Fn(&RequestError),
) -> worker::Result<Response> {
    result.or_else(|error| {
        if error.is_fault() {
            log(&error);
        }
        answer::error(&error, id)
    })
}

fn arrive(request: Request, env: Env, context: Context, id: &RequestId) -> Result<Visit, RequestError> {
    let route = Route::parse(&request.inner().method(), &request.path()).map_err(RequestError::NoRoute)?;
    // Also for `/healthz`: an edge that lacks a secret is not well.
    let door = Door::of(&env)?;
    let (id, now, decision) = (id.clone(), clock::now(), OnceCell::new());
    Ok(Visit { request, env, context, door, id, now, route, decision })
}

async fn handle(visit: &Visit) -> Result<Response, RequestError> {
    match visit.route {
        Route::Health => Ok(answer::json(r#"{"status":"ok"}"#)?),
        Route::Ready => ready::handle(visit).await,
        Route::Login | Route::Refresh | Route::Logout => sign_in::handle(visit).await,
        Route::Me | Route::Sessions | Route::EndSession => passed_on(visit, Function::Auth).await,
        Route::PullChanges => passed_on(visit, Function::PullChanges).await,
        Route::SyncStats => passed_on(visit, Function::SyncStats).await,
        Route::DeadLetters => passed_on(visit, Function::DeadLetters).await,
        Route::Record | Route::BatchGet => passed_on(visit, Function::Data).await,
        Route::Cart | Route::PutCart | Route::DeleteCart => passed_on(visit, Function::Carts).await,
        Route::CacheReport | Route::CacheStats | Route::CacheInvalidate => {
            passed_on(visit, Function::CacheReport).await
        }
        Route::CacheWarm => passed_on(visit, Function::CacheWarm).await,
        Route::BatchPush => pushed::handle(visit, Function::BatchPush).await,
        Route::ResolveConflict => pushed::handle(visit, Function::ResolveConflict).await,
        Route::ReplayDeadLetter | Route::DiscardDeadLetter => {
            pushed::handle(visit, Function::DeadLetters).await
        }
        Route::Socket => ws::handle(visit).await,
        Route::OpenApi => openapi::handle(visit),
        Route::Publish => publish::handle(visit).await,
    }
}

/// What `function` answers to whoever has a valid token. Which branch it is about, and whether the caller may ask,
/// is for the function to say, which looks at the request anyway.
async fn passed_on(visit: &Visit, function: Function) -> Result<Response, RequestError> {
    let caller = visit.caller().await?;
    Ok(visit.ask(function, &caller).await?.pass_on()?)
}
