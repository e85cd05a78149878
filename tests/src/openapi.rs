//! The OpenAPI 3.1 document of the wire, generated from the table of endpoints and the types.
//! `edge/openapi.json` holds it, and the tests check every response against it.

pub mod check;
mod operation;
mod schemas;

use serde_json::{Map, Value, json};

use protocol::endpoints::ENDPOINTS;
use protocol::endpoints::spec::{Access, EndpointSpec};
use schemas::Schemas;

/// The file of the document, from the root of the project.
pub const PATH: &str = "edge/openapi.json";

const DESCRIPTION: &str = "Offline-first sync for points of sale. PROTOCOL.md has the rules beyond these shapes. New members, \
                           error codes and values of `x-extensible-enum` may appear at any time; a client ignores what \
                           it does not know.";

/// The document for clients: open to what a newer server may add.
pub fn document() -> Value {
    let mut schemas = Schemas::default();
    let paths = paths(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "tillsync", "version": env!("CARGO_PKG_VERSION"), "description": DESCRIPTION },
        "paths": paths,
        "components": {
            "schemas": schemas::open(schemas.finish()),
            "headers": headers(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    })
}

/// The document as text, exactly as in the file.
pub fn text() -> Result<String, serde_json::Error> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    serde::Serialize::serialize(&document(), &mut serializer)?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The endpoints that clients may call.
pub(crate) fn public_endpoints() -> impl Iterator<Item = &'static EndpointSpec> {
    ENDPOINTS.iter().filter(|spec| spec.access != Access::Signature)
}

fn paths(schemas: &mut Schemas) -> Value {
    let mut paths = Map::new();
    for spec in public_endpoints() {
        let path = paths.entry(spec.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(spec.method.to_lowercase(), operation::describe(spec, schemas));
        }
    }
    Value::Object(paths)
}

fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "schema": schema });
    json!({
        "X-Request-Id": header("The id of the request in our logs.", json!({ "type": "string" })),
        "Tillsync-Cost": header(
            "Requests to DynamoDB, and the write and read capacity units that they consumed.",
            json!({ "type": "string", "pattern": operation::COST }),
        ),
        "Tillsync-Cache": header(
            "The source of the response.",
            schemas::extensible(&json!(["fresh", "stale", "loaded", "shared", "memory", "room", "edge"])).into(),
        ),
        "ETag": header(
            "Names the content; with it in `If-None-Match`, the response is 304 while the content is the same.",
            json!({ "type": "string" }),
        ),
        "Retry-After": header("Seconds until a retry may succeed.", json!({ "type": "integer" })),
        "RateLimit-Limit": header("Requests per window of the tightest limit.", json!({ "type": "integer" })),
        "RateLimit-Remaining": header("Remaining requests of it.", json!({ "type": "integer" })),
        "RateLimit-Reset": header("Seconds until one more request is available.", json!({ "type": "integer" })),
        "RateLimit-Policy": header(
            "Each limit: `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers).",
            json!({ "type": "string" }),
        ),
        "RateLimit": header(
            "The state of each limit: `r` requests remain, and the next is available in `t` seconds.",
            json!({ "type": "string" }),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use protocol::error::ErrorCode;

    #[test]
    fn the_served_document_is_current() {
        let kept = include_str!("../../edge/openapi.json");
        assert!(kept == text().unwrap(), "edge/openapi.json is out of date: run `cargo xtask openapi`");
    }

    #[test]
    fn the_document_has_every_error_code_of_a_request() {
        let documented: BTreeSet<&str> =
            public_endpoints().flat_map(EndpointSpec::error_codes).map(ErrorCode::as_str).collect();
        // Unknown addresses, the internal endpoint, and an error frame of the WebSocket.
        let elsewhere = [
            ErrorCode::NotFound,
            ErrorCode::MethodNotAllowed,
            ErrorCode::BadSignature,
            ErrorCode::RoomForbidden,
        ];
        for code in ErrorCode::ALL {
            assert_ne!(documented.contains(code.as_str()), elsewhere.contains(code), "{}", code.as_str());
        }
    }

    #[test]
    fn a_code_is_any_text_beside_the_known_ones_and_free_objects_have_members() {
        let document = document();
        let code = &document["components"]["schemas"]["ErrorCode"];
        assert_eq!(code["anyOf"][0]["enum"], code["x-extensible-enum"]);
        assert_eq!(code["anyOf"][1], json!({ "type": "string" }));
        let schemas = &document["components"]["schemas"];
        for (schema, kind) in [("Change", json!(["object", "null"])), ("AppliedRecord", json!("object"))] {
            let data = &schemas[schema]["properties"]["data"];
            assert_eq!((&data["type"], &data["additionalProperties"]), (&kind, &json!(true)), "{schema}");
        }
        assert_eq!(schemas["Change"].get("additionalProperties"), None);
        // A request must use a known value.
        assert!(schemas["Resolution"].get("anyOf").is_none());
    }

    #[test]
    fn every_schema_is_used_and_every_reference_resolves() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for name in schemas.keys() {
            assert!(text.contains(&format!("\"#/components/schemas/{name}\"")), "{name} is not used");
        }
        for rest in text.split("#/components/schemas/").skip(1) {
            let name = rest.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} is not there");
        }
    }
}
