//! Calls from web pages of other origins: the CORS protocol of the Fetch standard.
//!
//! The edge knows callers by their tokens and never by cookies, so no response allows credentials.

use protocol::endpoints::route::{NoRoute, Route};
use protocol::error::{ApiError, ErrorCode};
use worker::Env;

use crate::error::RequestError;
use crate::request::{self, Request};
use crate::response::Response;
use crate::state::AppState;

/// Request headers that a page may send.
const ALLOWED_HEADERS: &str = "authorization, content-type, if-none-match, last-event-id, traceparent";
/// Response headers that a page may read, beside those that every page may.
const EXPOSED_HEADERS: &str = "allow, etag, ratelimit, ratelimit-limit, ratelimit-policy, ratelimit-remaining, \
                               ratelimit-reset, retry-after, server-timing, tillsync-cache, tillsync-cost, \
                               traceparent, www-authenticate, x-request-id";
/// Seconds that a browser may remember a preflight: 2 hours, the longest that Chromium does.
const MAX_AGE_SECS: &str = "7200";

/// The origin of the web page that sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageOrigin {
    /// No browser sent it, or a page of the edge itself by GET.
    None,
    /// A page that may call the edge.
    Allowed(String),
    /// Any other page.
    Foreign,
}

impl PageOrigin {
    /// The origin of `request`. Foreign while the configuration is bad, which fails every request anyway.
    pub(crate) fn of(request: &Request, env: &Env) -> worker::Result<PageOrigin> {
        let Some(origin) = request.header("origin")? else { return Ok(PageOrigin::None) };
        let is_own = request::origin_of(&request.url) == origin;
        let is_listed = || AppState::of(env).is_ok_and(|state| state.config.origins.contains(&origin));
        Ok(if is_own || is_listed() { PageOrigin::Allowed(origin) } else { PageOrigin::Foreign })
    }

    /// Refuses a page of a foreign origin.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if *self == PageOrigin::Foreign {
            let message = "Pages of this origin may not call this service; an operator can allow it.";
            return Err(ApiError::new(ErrorCode::OriginForbidden, message));
        }
        Ok(())
    }
}

/// The response to a preflight, which asks before the call itself is sent; `None` for another request. It is
/// neither authenticated nor counted: browsers send it without the token.
pub(crate) fn preflight(request: &Request, origin: &PageOrigin) -> Option<Result<Response, RequestError>> {
    let asks = || matches!(request.header("access-control-request-method"), Ok(Some(_)));
    if request.method != "OPTIONS" || !asks() {
        return None;
    }
    match Route::find(&request.method, request.path()) {
        Err(NoRoute::MethodNotAllowed(methods)) => Some(allow(&methods, origin)),
        Err(not_found) => Some(Err(RequestError::NoRoute(not_found))),
        // An endpoint of its own.
        Ok(_) => None,
    }
}

fn allow(methods: &str, origin: &PageOrigin) -> Result<Response, RequestError> {
    origin.check()?;
    Ok(Response::empty(204)
        .with("access-control-allow-methods", methods.to_owned())
        .with("access-control-allow-headers", ALLOWED_HEADERS)
        .with("access-control-max-age", MAX_AGE_SECS))
}

/// Adds the headers of every response: a page of an allowed origin may read it, also an error.
pub(crate) fn finish(response: &mut Response, origin: &PageOrigin) {
    response.set("vary", "origin");
    if let PageOrigin::Allowed(origin) = origin {
        response.set("access-control-allow-origin", origin.clone());
        response.set("access-control-expose-headers", EXPOSED_HEADERS);
    }
}
