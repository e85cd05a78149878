//! What may be asked for. Who has the URL finds the handler from here.

use protocol::error::{ApiError, ErrorCode};

mod guard;
mod segment;

pub(crate) use guard::Guard;
pub(crate) use segment::record_of;

use Route::{
    BatchGet, BatchPush, CacheInvalidate, CacheReport, CacheStats, CacheWarm, Cart, DeadLetters, DeleteCart,
    DiscardDeadLetter, EndSession, Health, Login, Logout, Me, OpenApi, Publish, PullChanges, PutCart, Ready,
    Record, Refresh, ReplayDeadLetter, ResolveConflict, Sessions, Socket, SyncStats,
};

/// Everything the edge answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `POST /api/auth/login`
    Login,
    /// `POST /api/auth/refresh`
    Refresh,
    /// `POST /api/auth/logout`
    Logout,
    /// `GET /api/auth/me`
    Me,
    /// `GET /api/sessions`
    Sessions,
    /// `DELETE /api/sessions/{id}`; the id may also be `others` or `all`.
    EndSession,
    /// `POST /api/sync/batch-push`
    BatchPush,
    /// `GET /api/sync/pull-changes`
    PullChanges,
    /// `POST /api/sync/resolve-conflict`
    ResolveConflict,
    /// `GET /api/sync/stats`
    SyncStats,
    /// `GET /api/sync/dead-letters`
    DeadLetters,
    /// `POST /api/sync/dead-letters/{id}/replay`
    ReplayDeadLetter,
    /// `POST /api/sync/dead-letters/{id}/discard`
    DiscardDeadLetter,
    /// `GET /api/data/{table}/{record_id}`
    Record,
    /// `POST /api/data/batch-get`
    BatchGet,
    /// `GET /api/carts/{id}`
    Cart,
    /// `PUT /api/carts/{id}`
    PutCart,
    /// `DELETE /api/carts/{id}`
    DeleteCart,
    /// `GET /api/cache/report`
    CacheReport,
    /// `GET /api/cache/stats`
    CacheStats,
    /// `POST /api/cache/invalidate`
    CacheInvalidate,
    /// `POST /api/cache/warm`
    CacheWarm,
    /// `GET /ws`
    Socket,
    /// `GET /api/openapi.json`
    OpenApi,
    /// `POST /internal/publish`
    Publish,
    /// `GET /healthz`
    Health,
    /// `GET /readyz`
    Ready,
}

/// Method, path and route; a path may have several methods.
const ROUTES: [(&str, &str, Route); 27] = [
    ("POST", "/api/auth/login", Login),
    ("POST", "/api/auth/refresh", Refresh),
    ("POST", "/api/auth/logout", Logout),
    ("GET", "/api/auth/me", Me),
    ("GET", "/api/sessions", Sessions),
    ("DELETE", "/api/sessions/{id}", EndSession),
    ("POST", "/api/sync/batch-push", BatchPush),
    ("GET", "/api/sync/pull-changes", PullChanges),
    ("POST", "/api/sync/resolve-conflict", ResolveConflict),
    ("GET", "/api/sync/stats", SyncStats),
    ("GET", "/api/sync/dead-letters", DeadLetters),
    ("POST", "/api/sync/dead-letters/{id}/replay", ReplayDeadLetter),
    ("POST", "/api/sync/dead-letters/{id}/discard", DiscardDeadLetter),
    ("GET", "/api/data/{table}/{record_id}", Record),
    ("POST", "/api/data/batch-get", BatchGet),
    ("GET", "/api/carts/{id}", Cart),
    ("PUT", "/api/carts/{id}", PutCart),
    ("DELETE", "/api/carts/{id}", DeleteCart),
    ("GET", "/api/cache/report", CacheReport),
    ("GET", "/api/cache/stats", CacheStats),
    ("POST", "/api/cache/invalidate", CacheInvalidate),
    ("POST", "/api/cache/warm", CacheWarm),
    ("GET", "/ws", Socket),
    ("GET", "/api/openapi.json", OpenApi),
    ("POST", "/internal/publish", Publish),
    ("GET", "/healthz", Health),
    ("GET", "/readyz", Ready),
];

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// Nothing is at that path.
    NotFound,
    /// The path has other methods, these, as the header `Allow` lists them.
    MethodNotAllowed(String),
}

impl Route {
    /// The route of `method` and `path`, both exactly as they were sent.
    ///
    /// The method is text because the runtime's own enum takes every method it does not know for GET.
    pub(crate) fn parse(method: &str, path: &str) -> Result<Route, NoRoute> {
        let here = || ROUTES.iter().filter(|(_, known, _)| segment::matches(known, path));
        if let Some((_, _, route)) = here().find(|(allowed, _, _)| *allowed == method) {
            return Ok(*route);
        }
        let allowed: Vec<_> = here().map(|(allowed, _, _)| *allowed).collect();
        let none = allowed.is_empty();
        Err(if none { NoRoute::NotFound } else { NoRoute::MethodNotAllowed(allowed.join(", ")) })
    }
}

impl NoRoute {
    /// What the caller is told.
    pub(crate) fn refusal(&self) -> ApiError {
        match self {
            NoRoute::NotFound => ApiError::new(ErrorCode::NotFound, "There is nothing at this address."),
            NoRoute::MethodNotAllowed(allowed) => {
                ApiError::new(ErrorCode::MethodNotAllowed, format!("This address answers {allowed} only."))
            }
        }
    }
}

#[cfg(test)]
mod tests;
