use super::*;

/// The path with something in the place of each parameter.
fn filled(path: &str) -> String {
    let path = path.replace("{id}", "1765103400000145-0.7_~").replace("{table}", "products");
    path.replace("{record_id}", "a%20b")
}

#[test]
fn every_route_is_found_by_its_method_and_path_alone() {
    for (method, known, route) in ROUTES {
        let path = filled(known);
        assert_eq!(Route::parse(method, &path), Ok(route));
        let here: Vec<_> =
            ROUTES.iter().filter(|(_, other, _)| *other == known).map(|(it, _, _)| *it).collect();
        for other in ["HEAD", "OPTIONS", "PATCH", "PROPFIND", "get", "post", "delete", ""] {
            assert_eq!(Route::parse(other, &path), Err(NoRoute::MethodNotAllowed(here.join(", "))));
        }
    }
}

#[test]
fn a_path_with_several_methods_lists_them_all() {
    let none = Route::parse("POST", "/api/carts/1").unwrap_err();
    assert_eq!(none, NoRoute::MethodNotAllowed("GET, PUT, DELETE".into()));
    assert_eq!(none.refusal().message, "This address answers GET, PUT, DELETE only.");
}

#[test]
fn sessions_are_ended_one_by_one_or_many_at_once() {
    for id in ["k3Jx_-9", "others", "all"] {
        assert_eq!(Route::parse("DELETE", &format!("/api/sessions/{id}")), Ok(EndSession));
    }
}

#[test]
fn nothing_else_is_a_route() {
    let none =
        ["", "/", "/ws/", "/WS", "//ws", "/api/auth", "/api/auth/login/", "/healthz%20", "/api/data/a"];
    for path in none {
        assert_eq!(Route::parse("GET", path), Err(NoRoute::NotFound), "{path}");
    }
}

#[test]
fn the_document_describes_every_route_and_nothing_else() {
    let document: serde_json::Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let described = |(path, methods): (&String, &serde_json::Value)| {
        methods
            .as_object()
            .unwrap()
            .keys()
            .map(|method| (method.to_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    let mut described: Vec<_> = document["paths"].as_object().unwrap().iter().flat_map(described).collect();
    // No client makes this call.
    let mut routes: Vec<_> = ROUTES.iter().filter(|(_, _, route)| *route != Publish).collect();
    described.sort();
    routes.sort_by_key(|(method, path, _)| (*method, *path));
    let routes: Vec<_> =
        routes.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, routes);
}

#[test]
fn no_method_of_a_path_and_no_route_is_there_twice() {
    for (i, (method, path, route)) in ROUTES.iter().enumerate() {
        let again =
            |(other, known, to): &&(&str, &str, Route)| (other == method && known == path) || to == route;
        assert_eq!(ROUTES.iter().skip(i + 1).find(again), None);
    }
}

#[test]
fn only_what_is_about_sync_or_the_same_for_all_is_not_limited() {
    for (_, path, route) in ROUTES {
        let sync = path.starts_with("/api/sync/") || path == "/ws";
        let open = matches!(path, "/healthz" | "/readyz" | "/api/openapi.json" | "/internal/publish");
        assert_eq!(route.guard() == Guard::Session, sync, "{path}");
        assert_eq!(route.guard() == Guard::Open, open, "{path}");
    }
    assert_eq!(Login.guard(), Guard::SignIn);
    assert_eq!((Refresh.guard(), Logout.guard()), (Guard::Address, Guard::Address));
}
