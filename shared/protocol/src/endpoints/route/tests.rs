use super::*;
use crate::endpoints::spec::{Access, LimitScope};

/// The path with a value in place of each parameter.
fn filled(path: &str) -> String {
    path.replace("{id}", "1765103400000145-0.7_~")
        .replace("{table}", "products")
        .replace("{record_id}", "a%20b")
        .replace("{device_id}", "a%20b")
}

fn endpoint(method: &str, path: &str) -> Result<Endpoint, NoRoute> {
    Route::find(method, path).map(|route| route.endpoint)
}

fn parameters(path: &str) -> Vec<(&'static str, String)> {
    Route::find("GET", path).map(|route| route.parameters).unwrap_or_default()
}

#[test]
fn every_endpoint_is_found_by_its_method_and_path_alone() {
    for spec in &ENDPOINTS {
        let path = filled(spec.path);
        assert_eq!(endpoint(spec.method, &path), Ok(spec.endpoint));
        let same_path = ENDPOINTS.iter().filter(|other| other.path == spec.path);
        let methods: Vec<_> = same_path.map(|other| other.method).collect();
        for other in ["HEAD", "OPTIONS", "PATCH", "PROPFIND", "get", "post", "delete", ""] {
            assert_eq!(endpoint(other, &path), Err(NoRoute::MethodNotAllowed(methods.join(", "))));
        }
    }
}

#[test]
fn rows_stand_in_the_order_of_the_enum_and_no_row_is_there_twice() {
    for (place, spec) in ENDPOINTS.iter().enumerate() {
        assert_eq!(spec.endpoint as usize, place);
        assert_eq!(Endpoint::of_operation(spec.operation_id), Some(spec.endpoint));
        for other in ENDPOINTS.iter().skip(place + 1) {
            assert_ne!((spec.method, spec.path), (other.method, other.path));
        }
        // `LogIn` is `logIn`: the document and the code use one name.
        assert!(
            format!("{:?}", spec.endpoint).eq_ignore_ascii_case(spec.operation_id),
            "{}",
            spec.operation_id
        );
        assert!(spec.operation_id.starts_with(|first: char| first.is_ascii_lowercase()));
    }
}

#[test]
fn what_reads_a_cache_states_its_commands() {
    for spec in ENDPOINTS.iter().filter(|spec| spec.cached && spec.endpoint != Endpoint::PullChanges) {
        assert!(spec.redis_commands > 0 && spec.redis_commands_of_a_miss > 0, "{}", spec.operation_id);
    }
}

#[test]
fn every_path_parameter_is_declared() {
    for spec in &ENDPOINTS {
        let in_path = spec.path.split('/').filter(|segment| segment.starts_with('{')).count();
        assert_eq!(spec.parameters.iter().filter(|known| spec.is_in_path(known.name)).count(), in_path);
    }
}

#[test]
fn a_path_with_several_methods_lists_them_all() {
    let none = Route::find("POST", "/api/carts/1").unwrap_err();
    assert_eq!(none, NoRoute::MethodNotAllowed("GET, PUT, DELETE".into()));
    assert_eq!(ApiError::from(&none).message, "This address answers GET, PUT, DELETE only.");
}

#[test]
fn one_session_others_or_all_are_one_endpoint() {
    for id in ["k3Jx_-9", "others", "all"] {
        let route = Route::find("DELETE", &format!("/api/sessions/{id}")).unwrap();
        assert_eq!(route, Route { endpoint: Endpoint::EndSessions, parameters: vec![("id", id.to_owned())] });
    }
}

#[test]
fn unknown_paths_are_not_found() {
    let none = [
        "",
        "/",
        "/ws/",
        "/WS",
        "//ws",
        "/api/auth",
        "/api/auth/login/",
        "/healthz%20",
        "/api/data/a",
        "/api/carts/",
    ];
    for path in none {
        assert_eq!(endpoint("GET", path), Err(NoRoute::NotFound), "{path}");
    }
}

#[test]
fn an_id_has_one_spelling() {
    assert_eq!(
        parameters("/api/carts/1765103400000145-0.7_~"),
        [("id", "1765103400000145-0.7_~".to_owned())]
    );
    for id in ["", ".", "..", "a/b", "a%20b", "a b", "a:b", "ä", "a;b", "{id}"] {
        assert_eq!(endpoint("GET", &format!("/api/carts/{id}")), Err(NoRoute::NotFound), "{id}");
        assert_eq!(endpoint("GET", &format!("/api/data/{id}/1")), Err(NoRoute::NotFound), "{id}");
    }
}

#[test]
fn a_record_id_is_any_text_and_is_decoded_once() {
    let cases = [
        ("4711", "4711"),
        ("Kasse%201%2f2%20%E2%80%93%20B%C3%BCro", "Kasse 1/2 – Büro"),
        ("a:b+c", "a:b+c"),
        ("100%25", "100%"),
        ("100%2525", "100%25"),
        ("100%", "100%"),
    ];
    for (sent, id) in cases {
        let expected = [("table", "products".to_owned()), ("record_id", id.to_owned())];
        assert_eq!(parameters(&format!("/api/data/products/{sent}")), expected);
        let of_device = parameters(&format!("/api/sync/devices/{sent}"));
        assert_eq!(of_device, [("device_id", id.to_owned())]);
    }
}

#[test]
fn what_is_no_record_id_is_not_found() {
    let long = "x".repeat(256);
    for sent in ["", "%00", "a%0Ab", "%FF", "%C3", long.as_str(), "a/b"] {
        for path in [format!("/api/data/products/{sent}"), format!("/api/sync/devices/{sent}")] {
            assert_eq!(endpoint("GET", &path), Err(NoRoute::NotFound), "{path}");
        }
    }
}

#[test]
fn only_sync_has_a_ceiling_alone_and_public_documents_have_no_limit() {
    for spec in &ENDPOINTS {
        // A ticket is written to the storage of a room.
        let is_ticket = spec.endpoint == Endpoint::CreateSocketTicket;
        let sync = spec.path.starts_with("/api/sync/") && !is_ticket || spec.path == "/ws";
        let open = matches!(spec.path, "/healthz" | "/readyz" | "/api/openapi.json" | "/internal/publish");
        assert_eq!(spec.limit == LimitScope::Client, sync, "{}", spec.path);
        assert_eq!(spec.limit == LimitScope::None, open, "{}", spec.path);
        assert_eq!(spec.access == Access::Signature, spec.path.starts_with("/internal/"), "{}", spec.path);
    }
    assert_eq!(Endpoint::LogIn.spec().limit, LimitScope::SignIn);
    assert_eq!(Endpoint::RefreshSession.spec().limit, LimitScope::Address);
    assert_eq!(Endpoint::LogOut.spec().limit, LimitScope::Address);
}

#[test]
fn every_read_has_a_tag_but_streams_and_health() {
    for spec in &ENDPOINTS {
        let is_stream = spec.frames.is_some() || spec.streams;
        // The health of a moment, with times.
        let is_health = matches!(spec.endpoint, Endpoint::GetHealth | Endpoint::GetReadiness);
        let is_read = spec.method == "GET" && !is_stream && !is_health;
        assert_eq!(spec.revalidates, is_read, "{}", spec.path);
    }
}
