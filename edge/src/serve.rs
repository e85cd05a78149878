//! From a request to its answer, by way of its route.

use worker::{Context, Env, Request, Response, console_error};

use crate::answer;
use crate::clock;
use crate::door::Door;
use crate::error::RequestError;
use crate::functions::Function;
use crate::openapi;
use crate::publish;
use crate::pushed;
use crate::request_id::RequestId;
use crate::route::Route;
use crate::visit::Visit;
use crate::ws;

/// Answers a request, whatever happens.
pub(crate) async fn serve(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let id = RequestId::new();
    let (method, path) = (request.inner().method(), request.path());
    let response = match dispatch(&method, &path, request, env, context, &id).await {
        Ok(response) => response,
        Err(error) => {
            if error.is_fault() {
                // Without the query, which may hold a token; the path is one of ours by now.
                console_error!("{id} {method} {path}: {error}");
            }
            answer::error(&error, &id)?
        }
    };
    answer::finish(response, &id)
}

async fn dispatch(
    method: &str,
    path: &str,
    request: Request,
    env: Env,
    context: Context,
    id: &RequestId,
) -> Result<Response, RequestError> {
    let route = Route::parse(method, path).map_err(RequestError::NoRoute)?;
    // Also for `/healthz`: an edge that lacks a secret is not well.
    let door = Door::of(&env)?;
    let visit = Visit { request, env, context, door, id: id.clone(), now: clock::now() };
    match route {
        Route::Health => Ok(answer::json(r#"{"status":"ok"}"#)?),
        Route::Login | Route::Refresh | Route::Logout => {
            Ok(visit.ask(Function::Auth, None).await?.pass_on()?)
        }
        Route::Me => read(&visit, Function::Auth).await,
        Route::PullChanges => read(&visit, Function::PullChanges).await,
        Route::SyncStats => read(&visit, Function::SyncStats).await,
        Route::DeadLetters => read(&visit, Function::DeadLetters).await,
        Route::BatchPush => pushed::handle(&visit, Function::BatchPush).await,
        Route::ResolveConflict => pushed::handle(&visit, Function::ResolveConflict).await,
        Route::ReplayDeadLetter | Route::DiscardDeadLetter => {
            pushed::handle(&visit, Function::DeadLetters).await
        }
        Route::Socket => ws::handle(&visit).await,
        Route::OpenApi => openapi::handle(&visit),
        Route::Publish => publish::handle(&visit).await,
    }
}

/// What `function` answers to whoever has a valid token. Which branch it is about, and whether the caller may ask,
/// is for the function to say, which looks at the request anyway.
async fn read(visit: &Visit, function: Function) -> Result<Response, RequestError> {
    let caller = visit.caller()?;
    Ok(visit.ask(function, Some(&caller)).await?.pass_on()?)
}
