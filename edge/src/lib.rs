//! The edge of tillsync: a Cloudflare Worker that authenticates requests, forwards them to the functions, and
//! broadcasts commits to the WebSockets of a branch.
//!
//! Every decision is a pure function with a test; the runtime is called around it. No code here panics: a
//! panic resets every room of its isolate. In reading order:

use worker::{Context, Env, event, web_sys};

// One request: its endpoint, its context, its response.
mod context;
mod cors;
mod error;
mod handlers;
mod page_cache;
mod query;
mod request;
mod request_id;
mod response;
mod revalidation;
mod router;
mod telemetry;

// Who asks, and how often.
mod admission;
mod authenticate;
mod client_info;

// What an isolate keeps.
mod clock;
mod config;
mod expiring_cache;
mod limits;
mod microtasks;
mod readiness;
mod state;

// Functions, Redis and rooms.
mod body;
mod fetch;
mod redis;
mod room;
mod session_end;
mod upstream;

use request::Request;

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    router::serve(Request::new(request), env, context).await?.into_runtime()
}
