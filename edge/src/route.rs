//! What may be asked for. Who has the URL finds the handler from here.

use shared::error::{Code, Refusal};

use Route::{
    BatchPush, DeadLetters, DiscardDeadLetter, Health, Login, Logout, Me, OpenApi, Publish, PullChanges,
    Refresh, ReplayDeadLetter, ResolveConflict, Socket, SyncStats,
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
    /// `GET /ws`
    Socket,
    /// `GET /api/openapi.json`
    OpenApi,
    /// `POST /internal/publish`
    Publish,
    /// `GET /healthz`
    Health,
}

/// The segment of a path that stands for any id.
const ID: &str = "{id}";

/// Method, path and route; each path has one method.
const ROUTES: [(&str, &str, Route); 15] = [
    ("POST", "/api/auth/login", Login),
    ("POST", "/api/auth/refresh", Refresh),
    ("POST", "/api/auth/logout", Logout),
    ("GET", "/api/auth/me", Me),
    ("POST", "/api/sync/batch-push", BatchPush),
    ("GET", "/api/sync/pull-changes", PullChanges),
    ("POST", "/api/sync/resolve-conflict", ResolveConflict),
    ("GET", "/api/sync/stats", SyncStats),
    ("GET", "/api/sync/dead-letters", DeadLetters),
    ("POST", "/api/sync/dead-letters/{id}/replay", ReplayDeadLetter),
    ("POST", "/api/sync/dead-letters/{id}/discard", DiscardDeadLetter),
    ("GET", "/ws", Socket),
    ("GET", "/api/openapi.json", OpenApi),
    ("POST", "/internal/publish", Publish),
    ("GET", "/healthz", Health),
];

/// Why there is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// Nothing is at that path.
    NotFound,
    /// The path has another method, this one.
    MethodNotAllowed(&'static str),
}

impl Route {
    /// The route of `method` and `path`, both exactly as they were sent.
    ///
    /// The method is text because the runtime's own enum takes every method it does not know for GET.
    pub(crate) fn parse(method: &str, path: &str) -> Result<Route, NoRoute> {
        let found = ROUTES.iter().find(|(_, known, _)| matches(known, path));
        let (allowed, _, route) = found.ok_or(NoRoute::NotFound)?;
        if *allowed == method { Ok(*route) } else { Err(NoRoute::MethodNotAllowed(allowed)) }
    }
}

/// Whether `path` is `known`, segment by segment.
fn matches(known: &str, path: &str) -> bool {
    let fits = |(known, sent): (&str, &str)| if known == ID { is_id(sent) } else { known == sent };
    known.split('/').count() == path.split('/').count() && known.split('/').zip(path.split('/')).all(fits)
}

/// Whether `segment` may be an id of ours: RFC 3986's unreserved characters, which are written in one way only, so
/// that the function's URL is signed as it is read.
fn is_id(segment: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    // A segment of dots alone means another path.
    segment.bytes().all(unreserved) && segment.bytes().any(|byte| byte != b'.')
}

impl NoRoute {
    /// What the caller is told.
    pub(crate) fn refusal(self) -> Refusal {
        match self {
            NoRoute::NotFound => Refusal::new(Code::NotFound, "There is nothing at this address."),
            NoRoute::MethodNotAllowed(allowed) => {
                Refusal::new(Code::MethodNotAllowed, format!("This address answers {allowed} only."))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_found_by_its_method_and_path_alone() {
        for (method, path, route) in ROUTES {
            let path = path.replace(ID, "1765103400000145-0.7_~");
            assert_eq!(Route::parse(method, &path), Ok(route));
            for other in ["HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND", "get", "post", ""] {
                assert_eq!(Route::parse(other, &path), Err(NoRoute::MethodNotAllowed(method)));
            }
        }
    }

    #[test]
    fn nothing_else_is_a_route() {
        for path in ["", "/", "/ws/", "/WS", "//ws", "/api/auth", "/api/auth/login/", "/healthz%20"] {
            assert_eq!(Route::parse("GET", path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn an_id_is_one_segment_with_one_way_to_be_written() {
        for id in ["", ".", "..", "a/b", "a%20b", "a b", "a:b", "ä", "a;b", "{id}"] {
            let path = format!("/api/sync/dead-letters/{id}/discard");
            assert_eq!(Route::parse("POST", &path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn the_document_describes_every_route_and_nothing_else() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let described = |(path, methods): (&String, &serde_json::Value)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| (method.to_uppercase(), path.clone()))
                .collect::<Vec<_>>()
        };
        let mut described: Vec<_> =
            document["paths"].as_object().unwrap().iter().flat_map(described).collect();
        // No client makes this call.
        let mut routes: Vec<_> = ROUTES.iter().filter(|(_, _, route)| *route != Publish).collect();
        described.sort();
        routes.sort_by_key(|(method, path, _)| (*method, *path));
        let routes: Vec<_> =
            routes.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn no_path_has_two_methods() {
        let mut paths: Vec<_> = ROUTES.iter().map(|(_, path, _)| path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), ROUTES.len());
    }
}
