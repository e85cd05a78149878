//! tillsync's door: a Cloudflare Worker that knows who comes, passes sales on to the functions, and tells
//! a branch's other tills about them.
//!
//! Everything that decides is a pure function with a test beside it; the runtime is called at the edges of
//! it. No code here panics: one panic resets every room of its isolate. In reading order:

use worker::{Context, Env, Request, Response, event};

// What may be asked for, and how it is answered.
mod answer;
mod error;
mod openapi;
mod ready;
mod request_id;
mod route;
mod serve;
mod visit;

// What is checked at the door.
mod authenticate;
mod body;
mod clock;
mod config;
mod door;
mod gate;
mod origin;
mod query;

// What lies behind it.
mod ended;
mod functions;
mod publish;
mod pushed;
mod redis;
mod room;
mod sign_in;
mod ws;

#[cfg(test)]
mod scripted;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    serve::serve(request, env, context).await
}
